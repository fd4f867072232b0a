import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const repository = join(import.meta.dirname, "..");

/** The script of the board's pages as a module that exports it as a text: a program may be bundled into one file. */
export async function boardScriptModule(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(repository, "src/board/browser/board.ts")],
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    minify: true,
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error("esbuild made no output");
  return [
    "// Made by `npm run generate` from browser/board.ts and what it imports. Do not edit.",
    `export const browserCode: string = ${JSON.stringify(output.text)};`,
    "",
  ].join("\n");
}

if (process.argv[1] === import.meta.filename)
  await writeFile(process.argv[2] ?? join(repository, "src/board/browser-code.ts"), await boardScriptModule());
