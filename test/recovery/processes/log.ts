import { appendFileSync, readFileSync } from "node:fs";

/** What a worker does with a task, with the host's time in milliseconds. */
export interface Entry {
  readonly at: number;
  readonly worker: string;
  /**
   * `ending`: it is about to complete the task, or to release it. `interrupted`: it has stopped its work in time. `stalled`:
   * the machine paused it for this number of milliseconds, until then.
   */
  readonly what: "began" | "renewed" | "ending" | "completed" | "interrupted" | "stalled";
  readonly id: string;
  readonly token: string;
  /** When its lease ends. */
  readonly until?: number;
  readonly milliseconds?: number;
}

/** Written synchronously, so that nothing is lost if the process is killed. */
export function note(file: string, entry: Omit<Entry, "at">): void {
  appendFileSync(file, `${JSON.stringify({ at: Date.now(), ...entry })}\n`);
}

/** Ignores an incomplete line of a killed process. */
export function readLog(file: string): Entry[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.slice(0, -1).flatMap((line) => {
    try {
      return [JSON.parse(line) as Entry];
    } catch {
      return [];
    }
  });
}
