import { once } from "node:events";
import { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { encodeFrames, type Task } from "taskledger";

/** Writes tasks as frames to the standard output, until nobody reads it any more. */
export class HandOver {
  readonly #tasks = new PassThrough({ objectMode: true });
  readonly #ended: Promise<void>;

  constructor() {
    // Not by process.stdout, which blocks the whole process while its reader is busy.
    const pipe = new Socket({ fd: 1, readable: false });
    // If the reader has ended, its tasks are still in the store.
    this.#ended = pipeline(encodeFrames(this.#tasks), pipe).catch(() => undefined);
  }

  /** If the reader has ended, the task is not delivered. */
  add(task: Task): void {
    if (!this.#tasks.destroyed) this.#tasks.write(task);
  }

  /** Waits until the reader has caught up, or has ended. */
  async ready(): Promise<void> {
    if (this.#tasks.writableNeedDrain) await Promise.race([once(this.#tasks, "drain"), this.#ended]);
  }

  /** There are no more. */
  end(): void {
    this.#tasks.end();
  }
}
