import { buildTask, type FetchFileTask, idOf } from "../tasks.js";

/** A system that keeps tasks until they are done; what it acknowledges is on the disk. */
export interface Peer extends AsyncDisposable {
  /** What is stored, and where, when it acknowledges a task. */
  readonly acknowledges: string;
  /** Removes everything, so that no round is slowed down by earlier ones. */
  clear(): Promise<void>;
  /** Adds and then completes tasks, with this concurrency. Resolves once all are completed. */
  live(count: number, concurrency: number): Promise<void>;
  /** Adds all tasks in bulk, and then completes them. Resolves once all are completed. */
  bulk(count: number): Promise<void>;
  /** A worker takes a task and dies; resolves to the milliseconds until another worker has it. */
  loseWorker(lease: number, every: number): Promise<number>;
}

/** Maximum number of tasks that are added by one call. */
export const BATCH = 1_000;

/** The bytes of a task, as they are sent through a queue whose messages are JSON. */
export function payload(index: number): { readonly task: string } {
  return { task: Buffer.from(taskOf(index).toBinary()).toString("base64") };
}

/** A saved task has a version; it is left out here, which makes the queues' messages a little smaller. */
export function taskOf(index: number): FetchFileTask {
  return buildTask("work", idOf(index));
}

/** The numbers below `count`, in batches. */
export function* batchesOf(count: number): Generator<number[], void> {
  for (let from = 0; from < count; from += BATCH)
    yield Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => from + i);
}
