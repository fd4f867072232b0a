import { closeSync, openSync, writeSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The log of calls and results, outside the processes that make them: each process appends lines to its own file, one before
 * each call, and one with its result. A write to a file remains if the process is killed afterwards. Times are microseconds on
 * the machine's monotonic clock, which all processes share, so that lines of different files can be ordered.
 */
export type Line = Call | Answer | Event;

/** A call that a process is about to make. */
export type Call = { readonly at: number; readonly call: number } & (
  | { readonly op: "save"; readonly list: string; readonly id: string; readonly token: string }
  | { readonly op: "complete"; readonly list: string; readonly id: string; readonly version: number }
  | { readonly op: "find"; readonly list: string; readonly id: string }
  | { readonly op: "all"; readonly list: string; readonly before?: number }
  | { readonly op: "sweep"; readonly list: string }
);

/** The result of a call, by its number. */
export type Answer = { readonly at: number; readonly of: number } & (
  | { readonly saved: number }
  | { readonly done: true }
  | { readonly found: Seen | null }
  /** All tasks that a listing returned, and whether it reached the end of the list. */
  | { readonly listed: readonly Listed[]; readonly ended: boolean }
  | Failure
);

/** `version` is that of a save of unknown outcome. */
export interface Failure {
  readonly error: string;
  readonly outcome: "unknown" | "not-applied";
  readonly message: string;
  readonly version?: number;
  /** The tasks that a listing returned before it failed. */
  readonly listed?: readonly Listed[];
}

/** The version of a task that was read, and the token of the save that wrote it. */
export type Seen = readonly [version: number, token: string];
export type Listed = readonly [id: string, version: number, token: string];

/** What was done to the cluster and the clients. */
export type Event = { readonly at: number } & (
  | { readonly began: string }
  | { readonly ended: string }
  /** A process has ended, with all its calls in flight. */
  | { readonly gone: string }
);

/** Microseconds, the same for all processes of this machine. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Appends to a process's file. */
export class LogWriter {
  readonly #file: number;

  constructor(directory: string, name: string) {
    this.#file = openSync(join(directory, `${name}.log`), "a");
  }

  write(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The lines of every process, by its name. The last may be incomplete, if the process was killed while it wrote. */
export async function readLogs(directory: string): Promise<Map<string, Line[]>> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".log")).sort();
  const logs = new Map<string, Line[]>();
  for (const name of names) logs.set(name.slice(0, -".log".length), await readLines(join(directory, name)));
  return logs;
}

async function readLines(path: string): Promise<Line[]> {
  const text = await readFile(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
