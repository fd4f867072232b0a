import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";

/** The version of a package as a module in this folder would find it, or undefined where it would not. */
export async function installedVersion(folder: string, name: string): Promise<string | undefined> {
  try {
    const { version } = JSON.parse(await readFile(join(folder, "node_modules", name, "package.json"), "utf8"));
    return String(version);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  const parent = dirname(folder);
  return parent === folder ? undefined : installedVersion(parent, name);
}

function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** Whether a shell would find a program, under the names that it has on any system. */
export function isOnPath(program: string, env: NodeJS.ProcessEnv): boolean {
  const folders = (env.PATH ?? env.Path ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.some((folder) => ["", ".exe", ".cmd"].some((end) => existsSync(join(folder, program + end))));
}

/** Whether a version is at least another one and of the same major version. Suffixes such as `-rc.1` do not count. */
export function satisfies(version: string, minimum: string): boolean {
  return numbers(version)[0] === numbers(minimum)[0] && isAtLeast(version, minimum);
}

export function isAtLeast(version: string, minimum: string): boolean {
  const [found, wanted] = [numbers(version), numbers(minimum)];
  const index = found.findIndex((number, i) => number !== wanted[i]);
  return index < 0 || (found[index] ?? 0) > (wanted[index] ?? 0);
}

function numbers(version: string): readonly number[] {
  return [
    ...version
      .replace(/[-+].*/, "")
      .split(".")
      .map(Number),
    0,
    0,
  ].slice(0, 3);
}
