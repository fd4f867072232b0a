import { copyFile, link, mkdir, mkdtemp, readdir, readlink, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { writeFiles } from "../plugin/generate.js";
import { install } from "./install.js";
import { type Result, type ShellOptions, shell } from "./shell.js";

/** A user's project in a folder of its own, far from this repository's node_modules. */
export interface UserProject {
  readonly folder: string;
  /** As `npm install`, but offline; taskledger comes from the tarball. */
  install(...names: string[]): Promise<void>;
  write(files: Record<string, string>): Promise<void>;
  run(commands: string, options?: ShellOptions): Promise<Result>;
  remove(): Promise<void>;
}

/** One with nothing but a package.json. */
export async function createUserProject(): Promise<UserProject> {
  return emptyProject(inject("tarball"));
}

/** A copy of the one in which the README's quick start has been carried out; see quick-start.ts. */
export async function copyQuickStart(): Promise<UserProject> {
  const project = await emptyProject(inject("tarball"));
  await rm(project.folder, { recursive: true });
  await copyProject(inject("quickStart"), project.folder);
  return project;
}

export async function emptyProject(tarball: string): Promise<UserProject> {
  const root = await mkdtemp(join(tmpdir(), "taskledger-"));
  const folder = join(root, "project");
  await writeFiles(folder, { "package.json": JSON.stringify({ name: "project", private: true, type: "module" }) });
  return {
    folder,
    install: (...names) => install(folder, names, tarball),
    write: (files) => writeFiles(folder, files),
    run: (commands, options) => shell(folder, commands, options),
    remove: () => rm(root, { recursive: true }),
  };
}

/** Copies a project. What is installed is linked, file by file, which takes no time; nobody changes it. */
async function copyProject(from: string, to: string, put = copyFile): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyProject(source, target, entry.name === "node_modules" ? link : put);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await put(source, target);
  }
}
