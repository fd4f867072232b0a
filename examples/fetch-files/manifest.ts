import { type FileHandle, open, readFile } from "node:fs/promises";

/** A file with a line for each digest. A file may have several lines: it is done at least once. */
export class Manifest {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<Manifest> {
    return new Manifest(await open(path, "a"));
  }

  /** Appends a line in one write. */
  async add(digest: string, file: string): Promise<void> {
    await this.#file.appendFile(`${JSON.stringify({ digest, file })}\n`);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The digests by file. */
export async function readManifest(path: string): Promise<Map<string, string>> {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
  const records = lines.map((line) => JSON.parse(line) as { digest: string; file: string });
  return new Map(records.map(({ digest, file }) => [file, digest]));
}
