import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { type Packed, packPackage } from "./pack.js";
import { carryOutQuickStart } from "./quick-start.js";
import { installTools } from "./tools.js";

declare module "vitest" {
  interface ProvidedContext {
    /** The path of the package's .tgz file. */
    tarball: string;
    packed: Packed;
    /** The folder of a project in which the README's quick start has been carried out. */
    quickStart: string;
  }
}

/** Packs the package and carries the quick start out, once for all tests. */
export default async function setup(vitest: TestProject): Promise<() => Promise<void>> {
  const tools = installTools();
  const folder = await mkdtemp(join(tmpdir(), "taskledger-"));
  const packed = await packPackage(folder);
  const project = await carryOutQuickStart(packed.tarball);
  await tools;
  vitest.provide("packed", packed);
  vitest.provide("tarball", packed.tarball);
  vitest.provide("quickStart", project.folder);
  return async () => {
    await project.remove();
    await rm(folder, { recursive: true });
  };
}
