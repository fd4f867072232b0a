import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

// What the package is tried with comes from npm, into a folder of its own: tools/. It is much, and only these tests need
// it.

const folder = join(import.meta.dirname, "tools");
const modules = join(folder, "node_modules");
const lockFile = join(folder, "package-lock.json");
const installedLock = join(modules, ".installed-lock.json");

/** Installs the tools, unless these very ones are there. No script of theirs is run. */
export async function installTools(): Promise<void> {
  const lock = readFileSync(lockFile, "utf8");
  if (existsSync(installedLock) && readFileSync(installedLock, "utf8") === lock) return;
  await promisify(execFile)("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
  writeFileSync(installedLock, lock);
}

/** The packages among the tools, with their versions. */
export const toolVersions: Readonly<Record<string, string>> = readVersions();

function readVersions(): Record<string, string> {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const specs = Object.entries<string>({ ...dependencies, ...optionalDependencies });
  return Object.fromEntries(specs.map(([name, spec]) => [name, spec.replace(/^npm:.*@/, "")]));
}

export function toolFolder(name: string): string {
  return join(modules, name);
}

/** A program, or why it is not to be had on this machine. */
export type Program = { readonly path: string } | { readonly missing: string };

/** A version of Node, as in its package `node-24-linux-x64`. */
export function nodeProgram(major: number): Program {
  const name = `node-${major}-${process.platform}-${process.arch}`;
  return programAt(join(modules, name, "bin/node"), `Node ${major}`);
}

export const bun: Program = programIn("@oven", "bin/bun", "Bun");
export const deno: Program = programIn("@deno", "deno", "Deno");
export const pnpm: Program = programIn("@pnpm", "pnpm", "pnpm");
export const yarn: Program = programAt(join(modules, "@yarnpkg/cli-dist/bin/yarn.js"), "Yarn");

/** protoc is not in npm. */
export const protoc: Program = onPath("protoc");

function programAt(path: string, title: string): Program {
  return existsSync(path) ? { path } : { missing: `npm has no ${title} for ${process.platform} on ${process.arch}` };
}

/** The program in the one package of a scope that npm has installed for this machine. */
function programIn(scope: string, path: string, title: string): Program {
  const packages = existsSync(join(modules, scope)) ? readdirSync(join(modules, scope)) : [];
  const found = packages.map((name) => join(modules, scope, name, path)).find((each) => existsSync(each));
  return programAt(found ?? join(modules, scope, path), title);
}

function onPath(name: string): Program {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const path = folders.map((each) => join(each, name)).find((each) => existsSync(each));
  return path === undefined ? { missing: `there is no ${name} on the PATH` } : { path };
}
