/** The job of a process, which it gets when it starts. */
export interface Job {
  readonly store: string;
  readonly list: string;
  readonly folder: string;
  readonly manifest: string;
}

/** The messages to the main process: about a task, that all are saved, or why the process has failed. */
export type Message =
  | { readonly event: "saved"; readonly file: string }
  | { readonly event: "done" | "all-saved" }
  | { readonly event: "left-open" | "failed"; readonly reason: string };

/** The environment variable with the job. Not an argument, since everybody on the machine can read those. */
export const JOB = "FETCH_FILES_JOB";

/** The job of this process. */
export function job(): Job & { readonly source?: "frames" | "store" } {
  return JSON.parse(process.env[JOB] as string);
}

export function tell(message: Message): void {
  process.send?.(message);
}

/** Runs a process until it or the main one ends; an error is reported in one line. */
export async function runProcess(work: () => Promise<void>): Promise<void> {
  const onOrphaned = () => process.exit(1);
  process.once("disconnect", onOrphaned);
  try {
    await work();
  } catch (error) {
    tell({ event: "failed", reason: (error as Error).message });
    process.exitCode = 1;
  }
  process.off("disconnect", onOrphaned);
  process.disconnect();
}
