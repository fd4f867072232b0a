/** What each process is told when it starts. */
export interface Job {
  readonly store: string;
  readonly list: string;
  readonly folder: string;
  readonly manifest: string;
}

/** What the processes tell the main one: of a task, or why they gave up. */
export type Message =
  | { readonly event: "saved" | "done" }
  | { readonly event: "left-open" | "failed"; readonly reason: string };

/** The job of this process. */
export function job(): Job & { readonly source?: "frames" | "store" } {
  return JSON.parse(process.argv[2] as string);
}

export function tell(message: Message): void {
  process.send?.(message);
}

/** Runs a process to its end; what goes wrong is told in one line. */
export async function runProcess(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    tell({ event: "failed", reason: (error as Error).message });
    process.exitCode = 1;
  }
  process.disconnect();
}
