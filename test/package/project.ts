import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFiles } from "../plugin/generate.js";
import { install } from "./install.js";
import { type Packed, packPackage } from "./pack.js";
import { type Result, shell } from "./shell.js";

/** A user's project in a folder of its own, far from this repository's node_modules. */
export interface UserProject {
  readonly folder: string;
  readonly packed: Packed;
  /** As `npm install`, but offline; taskledger comes from the tarball. */
  install(...names: string[]): Promise<void>;
  write(files: Record<string, string>): Promise<void>;
  run(commands: string): Promise<Result>;
  remove(): Promise<void>;
}

export async function createUserProject(): Promise<UserProject> {
  const root = await mkdtemp(join(tmpdir(), "taskledger-"));
  const packed = await packPackage(join(root, "packed"));
  const folder = join(root, "project");
  await writeFiles(folder, { "package.json": JSON.stringify({ name: "project", private: true, type: "module" }) });
  return {
    folder,
    packed,
    install: (...names) => install(folder, names, packed.tarball),
    write: (files) => writeFiles(folder, files),
    run: (commands) => shell(folder, commands),
    remove: () => rm(root, { recursive: true }),
  };
}
