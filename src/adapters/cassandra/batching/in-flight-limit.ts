import { abortedError, onAbort } from "../../../core/abort.js";
import { TaskError } from "../../../core/errors.js";

export interface InFlightLimits {
  /** The maximum number of operations that wait for an acknowledgement. */
  readonly maxOperations: number;
  /** The maximum number of bytes of their bodies. */
  readonly maxBytes: number;
  /** What happens to an operation beyond these: it waits, or fails with OVERLOADED. */
  readonly whenFull: "wait" | "fail";
}

/** Bounds what a process holds in memory of operations that are not acknowledged yet. First come, first served. */
export class InFlightLimit {
  readonly #limits: InFlightLimits;
  /** In the order of their arrival. */
  readonly #waiting = new Set<{ readonly bytes: number; readonly begin: () => void }>();
  #operations = 0;
  #bytes = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /**
   * Resolves when the operation may begin; {@link leave} ends it. Operations of bulk calls always wait. Throws
   * OVERLOADED or ABORTED.
   */
  async enter(bytes: number, signal: AbortSignal | undefined, isBulk = false): Promise<void> {
    if (this.#waiting.size === 0 && this.#fits(bytes)) return this.#add(bytes);
    if (this.#limits.whenFull === "fail" && !isBulk) throw this.#overloaded();
    return new Promise((resolve, reject) => {
      const begin = () => {
        release?.();
        resolve();
      };
      const waiting = { bytes, begin };
      this.#waiting.add(waiting);
      const release =
        signal &&
        onAbort(signal, () => {
          this.#waiting.delete(waiting);
          reject(abortedError(signal));
        });
    });
  }

  leave(bytes: number): void {
    this.#operations--;
    this.#bytes -= bytes;
    for (const next of this.#waiting) {
      if (!this.#fits(next.bytes)) return;
      this.#waiting.delete(next);
      this.#add(next.bytes);
      next.begin();
    }
  }

  /** An operation that is larger than the limit begins when no other is in flight. */
  #fits(bytes: number): boolean {
    const { maxOperations, maxBytes } = this.#limits;
    return this.#operations === 0 || (this.#operations < maxOperations && this.#bytes + bytes <= maxBytes);
  }

  #add(bytes: number): void {
    this.#operations++;
    this.#bytes += bytes;
  }

  #overloaded(): TaskError {
    const { maxOperations, maxBytes } = this.#limits;
    const message = `more than ${maxOperations} operations, or ${maxBytes} bytes of tasks, are in flight to Cassandra`;
    return new TaskError("OVERLOADED", `${message} (maxPendingTasks, maxPendingBytes)`);
  }
}
