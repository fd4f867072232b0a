import { join, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");

/**
 * Compiles the benchmarks and the package's sources to JavaScript, as its build does, and returns the path of the program
 * child.ts. tsx would distort the figures: it keeps the names of functions, which costs time for each function.
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
