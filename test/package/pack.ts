import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buildPackage } from "../../scripts/build-package.js";
import { repository } from "../plugin/tools.js";

/** What stands beside dist in the package. */
const others = ["package.json", "README.md", "LICENSE", "CHANGELOG.md", "proto", "docs"];

export interface Packed {
  /** The path of the .tgz file. */
  readonly tarball: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Bytes, packed and not. */
  readonly size: number;
  readonly unpackedSize: number;
}

/**
 * Builds and packs the package, as `npm pack` in the repository does, but in a folder of its own: the repository's dist
 * is whatever somebody built last, and other tests may run at the same time.
 */
export async function packPackage(folder: string): Promise<Packed> {
  const staged = join(folder, "staged");
  await mkdir(staged, { recursive: true });
  for (const name of others.filter((each) => existsSync(join(repository, each)))) {
    await cp(join(repository, name), join(staged, name), { recursive: true });
  }
  await buildPackage(join(staged, "dist"));
  const args = ["pack", "--json", "--ignore-scripts", "--offline", "--pack-destination", folder];
  const report = JSON.parse(execFileSync("npm", args, { cwd: staged, encoding: "utf8" }));
  // npm 11 gives a list; newer ones give the packages by name.
  const { filename, files, size, unpackedSize } = Object.values(report)[0] as Packed & { filename: string };
  return { tarball: join(folder, filename), files, size, unpackedSize };
}
