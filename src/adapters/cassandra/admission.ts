import { onAbort } from "../../abort.js";
import { TaskError } from "../../errors.js";

export interface AdmissionOptions {
  /** The most operations that may wait or be under way. */
  readonly maxOperations: number;
  /** The most bytes of envelopes that they may hold. */
  readonly maxBytes: number;
  /** What comes of an operation that finds no room: it waits for some, or fails with OVERLOADED. */
  readonly whenFull: "wait" | "fail";
}

interface Waiting {
  readonly bytes: number;
  admit(): void;
}

/** Bounds what a process has in memory of operations that are not acknowledged yet. First come, first served. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #queue: Waiting[] = [];
  #operations = 0;
  #bytes = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Resolves when there is room, to the function that gives it back. Throws OVERLOADED or ABORTED. */
  async enter(bytes: number, signal: AbortSignal | undefined): Promise<() => void> {
    if (this.#queue.length > 0 || !this.#fits(bytes)) await this.#wait(bytes, signal);
    else this.#take(bytes);
    return () => this.#give(bytes);
  }

  /** An operation larger than all room gets in when nothing else is there. */
  #fits(bytes: number): boolean {
    const { maxOperations, maxBytes } = this.#options;
    return this.#operations === 0 || (this.#operations < maxOperations && this.#bytes + bytes <= maxBytes);
  }

  #take(bytes: number): void {
    this.#operations++;
    this.#bytes += bytes;
  }

  #give(bytes: number): void {
    this.#operations--;
    this.#bytes -= bytes;
    for (let next = this.#queue[0]; next !== undefined && this.#fits(next.bytes); next = this.#queue[0]) {
      this.#queue.shift();
      this.#take(next.bytes);
      next.admit();
    }
  }

  #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#options.whenFull === "fail") return Promise.reject(this.#overloaded());
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        admit() {
          release?.();
          resolve();
        },
      };
      const release =
        signal &&
        onAbort(signal, () => {
          this.#queue.splice(this.#queue.indexOf(waiting), 1);
          reject(new TaskError("ABORTED", "aborted", { cause: signal.reason }));
        });
      this.#queue.push(waiting);
    });
  }

  #overloaded(): TaskError {
    const { maxOperations, maxBytes } = this.#options;
    const message = `more than ${maxOperations} operations, or ${maxBytes} bytes of tasks, are on their way to Cassandra`;
    return new TaskError("OVERLOADED", `${message} (maxPendingTasks, maxPendingBytes)`);
  }
}
