import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";

/** Folders that do not belong to a repository's content. */
const skipped = new Set(["node_modules", ".git", ".cache"]);

/** The paths of a folder's files, relative to it, with `/` between their parts. Throws if one can't be read. */
export async function listFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const folders = [folder];
  for (let current = folders.pop(); current !== undefined; current = folders.pop()) {
    for (const entry of await readdir(current, { withFileTypes: true })) {
      const path = join(current, entry.name);
      if (entry.isDirectory() && !skipped.has(entry.name)) folders.push(path);
      if (!entry.isFile()) continue;
      await access(path, constants.R_OK);
      found.push(relative(folder, path).split(sep).join("/"));
    }
  }
  return found.sort();
}

/** The SHA-256 of a stream's bytes, in hexadecimal. */
export async function digest(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(stream, hash);
  return hash.digest("hex");
}

/** The files whose digest differs from the given one. */
export async function findWrongDigests(
  folder: string,
  files: readonly string[],
  digests: ReadonlyMap<string, string>,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const file of files)
    if (digests.get(file) !== (await digest(createReadStream(join(folder, file))))) wrong.push(file);
  return wrong;
}
