import { join } from "node:path";
import { build } from "esbuild";

export const repository: string = join(import.meta.dirname, "../..");

/** Bundles a program of the tests, so that it starts faster than from its sources; returns the path of the bundle. */
export async function bundle(program: string): Promise<string> {
  const name = program.replaceAll("/", "-").replace(/\.ts$/, "");
  const outfile = join(repository, `.cache/bundles/${name}-${process.pid}.mjs`);
  await build({
    absWorkingDir: repository,
    entryPoints: [program],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "warning",
  });
  return outfile;
}
