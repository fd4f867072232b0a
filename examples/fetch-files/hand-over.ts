import { once } from "node:events";
import { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { encodeFrames, type Task } from "taskledger";

/** Hands tasks over, in frames, to whoever reads this process's standard output, until nobody does any more. */
export class HandOver {
  readonly #tasks = new PassThrough({ objectMode: true });
  readonly #ended: Promise<void>;

  constructor() {
    // Not process.stdout: that blocks the whole process while its reader is busy.
    const pipe = new Socket({ fd: 1, readable: false });
    // Where the reader is gone, its tasks are still in the store.
    this.#ended = pipeline(encodeFrames(this.#tasks), pipe).catch(() => undefined);
  }

  /** The reader may be gone, and the task with it. */
  add(task: Task): void {
    if (!this.#tasks.destroyed) this.#tasks.write(task);
  }

  /** Waits until the reader has caught up, or is gone. */
  async ready(): Promise<void> {
    if (this.#tasks.writableNeedDrain) await Promise.race([once(this.#tasks, "drain"), this.#ended]);
  }

  /** There are no more. */
  end(): void {
    this.#tasks.end();
  }
}
