import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import module from "node:module";
import { delimiter, dirname, join } from "node:path";
import { CommandError, exitCodes } from "../command-error.js";
import { member } from "./yaml-file.js";

/** The version of the package that a module in this folder would import; undefined if it would find none. */
export async function installedVersion(folder: string, name: string): Promise<string | undefined> {
  const place = findPlugAndPlay(folder, name);
  if (place !== undefined) return readVersion(join(place, "package.json"));
  const version = await readVersion(join(folder, "node_modules", name, "package.json"));
  const parent = dirname(folder);
  return version ?? (parent === folder ? undefined : installedVersion(parent, name));
}

interface PlugAndPlay {
  resolveToUnqualified(name: string, issuer: string): string | null;
}

/** The folder of a package if the project uses Yarn's Plug'n'Play, which has no node_modules. */
function findPlugAndPlay(folder: string, name: string): string | undefined {
  const { findPnpApi } = module as { findPnpApi?: (path: string) => PlugAndPlay | null };
  try {
    return findPnpApi?.(`${folder}/`)?.resolveToUnqualified(name, `${folder}/`) ?? undefined;
  } catch {
    return undefined; // it is not among the project's dependencies
  }
}

async function readVersion(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (["ENOENT", "ENOTDIR"].includes(error.code ?? "")) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const version = member(parseJson(text), "version");
  if (typeof version === "string" && isVersion(version)) return version;
  const advice = "Install the package again.";
  throw new CommandError(exitCodes.failed, [{ code: "INVALID_PACKAGE", text: `${path} has no version`, advice }]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a shell would find a program, under the names that it has on any system. */
export function isOnPath(program: string, env: NodeJS.ProcessEnv): boolean {
  const folders = (env.PATH ?? env.Path ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.some((folder) => ["", ".exe", ".cmd"].some((end) => existsSync(join(folder, program + end))));
}

/** Whether a text is a version and nothing else: versions are printed as part of commands. */
export function isVersion(text: string): boolean {
  return /^\d+\.\d+\.\d+(?:[-+][\w.+-]*)?$/.test(text);
}

/** Whether a version is at least another one and of the same major version. Suffixes such as `-rc.1` do not count. */
export function satisfies(version: string, minimum: string): boolean {
  return isVersion(version) && numbers(version)[0] === numbers(minimum)[0] && isAtLeast(version, minimum);
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
