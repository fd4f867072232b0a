import { buildTask, type FetchFileTask, idOf } from "../tasks.js";

/** Something that keeps tasks until they are done, with all that it acknowledges on the disk. */
export interface Peer extends AsyncDisposable {
  /** What it has stored when it acknowledges a task. */
  readonly acknowledges: string;
  /** Forgets everything, so that no round pays for those before. */
  clear(): Promise<void>;
  /** Tasks are added and then completed, so many at once. Resolves once all are. */
  live(count: number, concurrency: number): Promise<void>;
  /** Tasks are added, all in bulk, and then completed. Resolves once all are. */
  bulk(count: number): Promise<void>;
  /** A worker takes a task and dies: how many milliseconds pass until another worker has it. */
  loseWorker(lease: number, every: number): Promise<number>;
}

/** The most that is added by one call. */
export const BATCH = 1_000;

/** The bytes of a task, as a queue carries them whose messages are JSON. */
export function payload(index: number): { readonly task: string } {
  return { task: Buffer.from(taskOf(index).toBinary()).toString("base64") };
}

/** A saved task of a queue's has a version; it is left out, which makes the queues' messages a little smaller. */
export function taskOf(index: number): FetchFileTask {
  return buildTask("work", idOf(index));
}

/** The numbers below `count`, in batches. */
export function* batchesOf(count: number): Generator<number[], void> {
  for (let from = 0; from < count; from += BATCH)
    yield Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => from + i);
}
