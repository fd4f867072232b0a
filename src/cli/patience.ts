import { setTimeout as sleep } from "node:timers/promises";
import { NoAnswer } from "./command-error.js";

/** Stops waiting: when the command is interrupted, and when the store does not answer in time. */
export class Patience {
  readonly #controller = new AbortController();
  readonly #timeout: number;
  readonly #interrupted: AbortSignal;
  readonly #interrupt = () => this.#controller.abort(this.#interrupted.reason);
  #timer: NodeJS.Timeout | undefined;

  /** `timeout` is in milliseconds. */
  constructor(timeout: number, interrupted: AbortSignal) {
    this.#timeout = timeout;
    this.#interrupted = interrupted;
    if (interrupted.aborted) this.#interrupt();
    interrupted.addEventListener("abort", this.#interrupt);
    this.renew();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Restarts the timeout, since the store has answered. */
  renew(): void {
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(() => this.#controller.abort(new NoAnswer(this.#timeout)), this.#timeout).unref();
  }

  /** Pauses the timeout while the store is not called. Rejects with the reason if it is interrupted meanwhile. */
  async suspend<T>(work: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      return await work();
    } finally {
      this.renew();
      this.#interrupted.throwIfAborted(); // even if the work has succeeded
    }
  }

  /** The elements of a source that is not the store; without a timeout. */
  async *suspendFor<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.suspend(() => iterator.next());
        if (done) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  /** Waits for a time in milliseconds. */
  async pause(milliseconds: number): Promise<void> {
    await this.suspend(() => sleep(milliseconds, undefined, { signal: this.#interrupted }));
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#interrupted.removeEventListener("abort", this.#interrupt);
  }
}
