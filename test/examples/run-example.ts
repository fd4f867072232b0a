import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../..", import.meta.url));

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an example as `npm start` does, in the repository's folder; behind another command, if one is given. */
export function runExample(
  script: string,
  args: readonly string[],
  prefix: readonly string[] = [],
  timeout = 60_000,
): Promise<Run> {
  const options = { cwd: repository, timeout };
  const command = [...prefix, process.execPath, "--import", "tsx", join("examples", script), ...args];
  return new Promise((resolve) => {
    execFile(command[0] as string, command.slice(1), options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr });
    });
  });
}

/** What makes a command heed the permissions of files, even if root runs it; undefined where that can't be done. */
export function heedingPermissions(): readonly string[] | undefined {
  if (process.getuid?.() !== 0) return [];
  const drop = "-dac_override,-dac_read_search";
  const prefix = ["setpriv", `--bounding-set=${drop}`, `--inh-caps=${drop}`];
  const { status } = spawnSync("setpriv", [...prefix.slice(1), "true"]);
  return status === 0 ? prefix : undefined;
}

/** The figures of the table that an example prints, by their names. */
export function figuresOf({ stdout }: Run): Record<string, number> {
  const rows = [...stdout.matchAll(/^([^\d\n]+?) {2,}([\d.]+)$/gm)];
  return Object.fromEntries(rows.map(([, name, value]) => [name, Number(value)]));
}

/** A folder with so many files, which is gone once it was used. */
export async function withFiles(count: number, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "example-files-"));
  try {
    const names = Array.from({ length: count }, (_, i) => `file #${i} ü%41.txt`);
    await Promise.all(names.map((name, i) => writeFile(join(folder, name), `${name}\n`.repeat(i * 50))));
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
