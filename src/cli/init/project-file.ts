import { chmod, lstat, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { CommandError, exitCodes } from "../command-error.js";

/** A file that `init` writes, and its state. */
export interface ProjectFile {
  /** Relative to the project's folder, with slashes. */
  readonly path: string;
  /** What `init` would write. */
  readonly wanted: string;
  /** Whether the file is as `init` needs it. */
  readonly state: "missing" | "current" | "different";
}

/** The content of a file of the project; undefined if there is none. */
export async function readProjectFile(project: string, path: string): Promise<Buffer | undefined> {
  try {
    // Reading a pipe would wait for a writer.
    if ((await stat(join(project, path))).isFile()) return await readFile(join(project, path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  throw notAFile(path);
}

/** Refuses to overwrite anything but a file, and to write through symbolic links: they may lead out of the project. */
export async function checkPlace(project: string, { path }: ProjectFile): Promise<void> {
  const ancestors = path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  for (const each of ancestors) {
    const found = await lstat(join(project, each)).catch(() => undefined);
    if (found?.isSymbolicLink()) throw throughLink(path, each);
    if (each === path && found?.isFile() === false) throw notAFile(path);
  }
}

/** Writes the whole file or nothing: the file that it replaces may have settings of the user's. */
export async function writeProjectFile(project: string, { path, wanted }: ProjectFile): Promise<void> {
  const target = join(project, path);
  const temporary = join(project, posix.dirname(path), `.taskledger-${process.pid}`);
  await mkdir(dirname(target), { recursive: true });
  const replaced = await lstat(target).catch(() => undefined);
  try {
    await writeFile(temporary, wanted, { flag: "wx" });
    if (replaced !== undefined) await chmod(temporary, replaced.mode);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function notAFile(path: string): CommandError {
  const advice = "Move it away, and try again.";
  return new CommandError(exitCodes.failed, [{ code: "NOT_A_FILE", text: `${path} is not a file`, advice }]);
}

function throughLink(path: string, link: string): CommandError {
  const text = `${path} is not written, since ${link} is a symbolic link`;
  const advice = `Put a file or folder of the project's own in the place of ${link}, and try again. Nothing was written.`;
  return new CommandError(exitCodes.failed, [{ code: "SYMBOLIC_LINK", text, advice }]);
}
