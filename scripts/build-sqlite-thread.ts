import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const repository = join(import.meta.dirname, "..");

/**
 * The code of the SQLite adapter's thread as a module that exports it as a text: a program may be bundled into one file,
 * where no other file of the package is found.
 */
export async function sqliteThreadModule(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(repository, "src/adapters/sqlite/thread.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node20.19",
    minify: true,
    keepNames: true,
    logOverride: { "empty-import-meta": "silent" },
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("esbuild made no output");
  return [
    "// Made by `npm run generate` from thread.ts and what it imports. Do not edit.",
    `export const threadCode: string = ${JSON.stringify(output.text.trim())};`,
    "",
  ].join("\n");
}

if (process.argv[1] === import.meta.filename)
  await writeFile(
    process.argv[2] ?? join(repository, "src/adapters/sqlite/thread-code.ts"),
    await sqliteThreadModule(),
  );
