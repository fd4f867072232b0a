import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A file that `init` takes care of, as it was found. */
export interface ProjectFile {
  /** Relative to the project's folder. */
  readonly path: string;
  /** What `init` would write. */
  readonly wanted: string;
  readonly state: "missing" | "fine" | "off";
}

export async function writeProjectFile(project: string, { path, wanted }: ProjectFile): Promise<void> {
  const target = join(project, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, wanted);
}
