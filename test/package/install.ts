import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { repository } from "../plugin/tools.js";
import { toolFolder, toolVersions } from "./tools.js";

interface Manifest {
  readonly name: string;
  readonly bin?: string | Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>;
}

/**
 * Installs packages into a project as npm does, with all that they depend on, but from this repository's node_modules
 * rather than from a registry. `taskledger` itself is unpacked from its tarball. Nothing is linked: what a package
 * imports or refers to has to be found from the project. Only the tools, which do not import what is tested, are.
 */
export async function install(project: string, names: readonly string[], tarball: string): Promise<void> {
  for (const name of names) {
    if (name === "taskledger") await unpack(project, tarball);
    else if (name in toolVersions) await linkTool(project, name);
    else await copyPackage(project, name, repository);
  }
}

async function linkTool(project: string, name: string): Promise<void> {
  const source = toolFolder(name);
  const link = join(project, "node_modules", name);
  await mkdir(dirname(link), { recursive: true });
  await rm(link, { force: true });
  await symlink(source, link);
  const manifest: Manifest = JSON.parse(await readFile(join(source, "package.json"), "utf8"));
  for (const [program, path] of programs(manifest)) await linkProgram(project, program, join(source, path));
}

async function unpack(project: string, tarball: string): Promise<void> {
  const folder = join(project, "node_modules/taskledger");
  await mkdir(folder, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", folder]);
  await finish(project, folder, repository);
}

/** Copies a package, as it would be found from a folder of the repository. */
async function copyPackage(project: string, name: string, from: string): Promise<void> {
  const source = findPackage(name, from);
  if (source === undefined) throw new Error(`${name} is not among the development dependencies`);
  // One that is inside of another package has been copied along with it.
  const isNested = source !== join(repository, "node_modules", name);
  const target = join(project, "node_modules", name);
  if (isNested || existsSync(target)) return;
  await cp(source, target, { recursive: true });
  await finish(project, target, source);
}

function findPackage(name: string, from: string): string | undefined {
  const folder = join(from, "node_modules", name);
  if (existsSync(folder)) return folder;
  return from === repository ? undefined : findPackage(name, dirname(from));
}

/** Installs what a package depends on, and its programs. */
async function finish(project: string, folder: string, source: string): Promise<void> {
  const manifest: Manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  for (const name of dependencies(manifest)) {
    const isThere = findPackage(name, source) !== undefined;
    if (isThere || !(name in (manifest.optionalDependencies ?? {}))) await copyPackage(project, name, source);
  }
  for (const [name, path] of programs(manifest)) await linkProgram(project, name, join(folder, path));
}

function dependencies(manifest: Manifest): readonly string[] {
  const peers = Object.keys(manifest.peerDependencies ?? {});
  return [
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.optionalDependencies ?? {}),
    ...peers.filter((name) => !manifest.peerDependenciesMeta?.[name]?.optional),
  ];
}

function programs({ name, bin }: Manifest): readonly (readonly [string, string])[] {
  return typeof bin === "string" ? [[basename(name), bin]] : Object.entries(bin ?? {});
}

async function linkProgram(project: string, name: string, path: string): Promise<void> {
  const link = join(project, "node_modules/.bin", name);
  await mkdir(dirname(link), { recursive: true });
  await rm(link, { force: true });
  await symlink(relative(dirname(link), path), link);
  await chmod(path, 0o755);
}
