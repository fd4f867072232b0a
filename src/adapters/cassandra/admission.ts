import { abortedError, onAbort } from "../../core/abort.js";
import { TaskError } from "../../core/errors.js";

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
  /** Undefined once it has given up. */
  admit: (() => void) | undefined;
}

/** Bounds what a process has in memory of operations that are not acknowledged yet. First come, first served. */
export class Admission {
  readonly #options: AdmissionOptions;
  /** Those before `#first` have been admitted: to shift a long array for each would move it as often. */
  #queue: Waiting[] = [];
  #first = 0;
  #operations = 0;
  #bytes = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Resolves when there is room; `leave` gives it back. What comes in bulk waits for it, whatever was chosen. Throws
   * OVERLOADED or ABORTED.
   */
  async enter(bytes: number, signal: AbortSignal | undefined, isBulk = false): Promise<void> {
    if (this.tryEnter(bytes)) return;
    if (this.#options.whenFull === "fail" && !isBulk) throw this.#overloaded();
    await this.#wait(bytes, signal);
  }

  /** Whether there is room now: then it is taken, and nothing has to be awaited. */
  tryEnter(bytes: number): boolean {
    if (this.#head() !== undefined || !this.#fits(bytes)) return false;
    this.#take(bytes);
    return true;
  }

  /** Gives back the room that so many bytes were let in for. */
  leave(bytes: number): void {
    this.#operations--;
    this.#bytes -= bytes;
    for (let next = this.#head(); next !== undefined && this.#fits(next.bytes); next = this.#head()) {
      this.#first++;
      this.#take(next.bytes);
      next.admit?.();
    }
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

  /** The first that waits still. */
  #head(): Waiting | undefined {
    while (this.#first < this.#queue.length && this.#queue[this.#first]?.admit === undefined) this.#first++;
    if (this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    return this.#queue[this.#first];
  }

  #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        admit: () => {
          release?.();
          resolve();
        },
      };
      const release =
        signal &&
        onAbort(signal, () => {
          waiting.admit = undefined;
          reject(abortedError(signal));
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
