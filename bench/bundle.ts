import { join, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");

/**
 * Makes JavaScript of the benchmarks and of the package's sources, as its build does, and gives the program of child.ts.
 * They are not run by way of tsx: what it does to keep the names of functions costs time wherever one is made.
 */
export async function bundleBenchmarks(): Promise<string> {
  const outdir = join(root, ".cache/bench");
  await build({
    absWorkingDir: root,
    entryPoints: ["bench/child.ts"],
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    sourcemap: true,
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
  return join(outdir, "child.mjs");
}
