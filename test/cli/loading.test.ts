import { build } from "esbuild";
import { expect, test } from "vitest";
import { repository } from "../support/bundle.js";

// A command that reads no task starts fast only because it does not load what tasks are made of.

/** The packages and modules of Node.js that a module loads, itself or by others, before it does anything. */
async function loadedBy(module: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: [module],
    outdir: ".cache/loading",
    bundle: true,
    splitting: true, // what is only imported when it is needed is not in the output of this module
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
  });
  const loaded = new Set<string>();
  const visit = (output: string) => {
    for (const { path, kind, external } of metafile.outputs[output]?.imports ?? []) {
      if (kind !== "import-statement" || loaded.has(path)) continue;
      loaded.add(path);
      if (!external) visit(path);
    }
  };
  const [entry] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === module) ?? [];
  visit(entry as string);
  return [...loaded].filter((path) => !path.startsWith(".cache/"));
}

test.each([
  ["the help", "src/cli/run.ts", ["commander"]],
  ["lists", "src/cli/commands/lists.ts", ["commander"]],
  ["an SQLite store", "src/adapters/sqlite/index.ts", []],
])("%s loads no other packages than %3$j", async (_, module, packages) => {
  const loaded = await loadedBy(module);
  expect(loaded.filter((path) => !path.startsWith("node:"))).toEqual(packages);
  expect(loaded).not.toContain("node:crypto"); // which takes longer than all others
});
