import { appendFileSync, readFileSync } from "node:fs";

/** What a worker does with a task, with the host's time in milliseconds. */
export interface Entry {
  readonly at: number;
  readonly worker: string;
  /**
   * `ending`: it is about to complete the task, or to release it. `interrupted`: it has given its work up in time. `stalled`:
   * the machine let it do nothing for so many milliseconds, till then.
   */
  readonly what: "began" | "renewed" | "ending" | "completed" | "interrupted" | "stalled";
  readonly id: string;
  readonly token: string;
  /** When its lease ends. */
  readonly until?: number;
  readonly milliseconds?: number;
}

/** Written at once, so that nothing stays unsaid if the process is killed. */
export function note(file: string, entry: Omit<Entry, "at">): void {
  appendFileSync(file, `${JSON.stringify({ at: Date.now(), ...entry })}\n`);
}

/** A line that a killed process has not finished is none. */
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
