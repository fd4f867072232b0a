/** What each process is told when it starts. */
export interface Job {
  readonly store: string;
  readonly list: string;
  readonly folder: string;
  readonly manifest: string;
}

/** What the processes tell the main one: of a task, that all are saved, or why they gave up. */
export type Message =
  | { readonly event: "saved"; readonly file: string }
  | { readonly event: "done" | "all-saved" }
  | { readonly event: "left-open" | "failed"; readonly reason: string };

/** The environment's variable that holds the job. Everybody on the machine can read the arguments of a process. */
export const JOB = "FETCH_FILES_JOB";

/** The job of this process. */
export function job(): Job & { readonly source?: "frames" | "store" } {
  return JSON.parse(process.env[JOB] as string);
}

export function tell(message: Message): void {
  process.send?.(message);
}

/** Runs a process to its end, or that of the main one; what goes wrong is told in one line. */
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
