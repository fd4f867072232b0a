import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { runCommandLine } from "../../src/cli/program.js";
import { createOutput } from "../../src/cli/terminal.js";
import { packageVersion } from "../../src/core/package-version.js";
import { writeFiles } from "../plugin/generate.js";

export interface Run {
  code: number;
  out: string;
  err: string;
}

/** Runs `taskledger` in this process. Nothing but what a test gives is on the path. */
export async function taskledger(
  cwd: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
  isTTY = false,
): Promise<Run> {
  const written = { out: "", err: "" };
  const write = (name: "out" | "err") => (text: string) => {
    written[name] += text;
  };
  const [out, err] = [
    createOutput({ isTTY, write: write("out") }, env),
    createOutput({ isTTY, write: write("err") }, env),
  ];
  const terminal = {
    ...{ cwd, env, out, err },
    input: Readable.from([]),
    interrupted: () => new AbortController().signal,
    ask: async () => "",
  };
  const code = await runCommandLine(args, terminal);
  return { code, ...written };
}

/** The packages of a project that is in order, by name. */
export const packages: Record<string, string> = {
  taskledger: packageVersion,
  "@bufbuild/protobuf": "2.17.0",
  "@bufbuild/protoc-gen-es": "2.17.0",
  "@bufbuild/buf": "1.75.0",
};

/** A folder with these files and the `package.json` of these packages, until the test is over. */
export async function createProject(files: Record<string, string> = {}, installed = packages): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "taskledger-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFiles(folder, files);
  for (const [name, version] of Object.entries(installed)) {
    await writeFiles(folder, { [`node_modules/${name}/package.json`]: JSON.stringify({ name, version }) });
  }
  return folder;
}

/** A project that `init` has prepared, with these files over what it wrote. */
export async function preparedProject(files: Record<string, string> = {}, installed = packages): Promise<string> {
  const folder = await createProject({}, installed);
  await taskledger(folder, ["init"]);
  await writeFiles(folder, files);
  return folder;
}

/** The files of a project by path, but for those of packages. */
export async function readProject(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !path.startsWith("node_modules"))
    .sort();
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(folder, path), "utf8")])),
  );
}

/** The codes of the errors that were printed. */
export function codes({ err }: Run): string[] {
  return Array.from(err.matchAll(/^error\[(\w+)\]: /gm), ([, code]) => code as string);
}
