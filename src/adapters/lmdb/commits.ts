import { setImmediate } from "node:timers/promises";
import type { Root } from "./driver.js";
import { type Failure, failureOf, statusError } from "./failure.js";

/**
 * Awaits transactions, one at a time, and learns all that can go wrong with them: lmdb-js prints why a commit failed,
 * rejects a promise with that which nobody may have seen, and says nothing of a transaction that could not begin.
 */
export class Commits {
  readonly #root: Root;
  readonly #check: () => void;
  #failed = false;
  #stuck = false;
  /** Told of a failure before the transaction's promise is. */
  #onFailure: ((status: number) => void) | undefined;

  /** `check` throws where the store can't be read any more. */
  constructor(root: Root, check: () => void) {
    this.#root = root;
    this.#check = check;
    this.#watch();
  }

  /** Whether no further one can succeed until the store has been closed and opened again. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Whether the store can't be closed any more. */
  get stuck(): boolean {
    return this.#stuck;
  }

  /** Starts a transaction, and resolves when it is on the disk, or with its failure. */
  run(start: () => Promise<unknown>): Promise<Failure | undefined> {
    return new Promise((resolve) => {
      let settled = false;
      let cause: unknown;
      const settle = (failure?: Failure) => {
        settled = true;
        resolve(failure);
      };
      this.#onFailure = async (status) => {
        cause = statusError(status);
        await setImmediate();
        if (!settled) settle(this.#giveUp(cause));
      };
      start().then(
        () => settle(),
        (error) => settle(this.#explain(cause ?? error, error)),
      );
    });
  }

  /**
   * LMDB undoes a transaction that it can't commit, except where the very last write failed, the one that makes the
   * commit valid: nobody knows whether that arrived, and LMDB refuses all further work.
   */
  #explain(cause: unknown, error: unknown): Failure {
    (error as { commitError?: Promise<unknown> }).commitError?.catch(() => {});
    try {
      this.#check();
      return failureOf(cause);
    } catch {
      this.#failed = true;
      return failureOf(cause, "unknown");
    }
  }

  /** lmdb-js waits for ever for what could not begin, with a lock held that would keep the process from ending. */
  #giveUp(cause: unknown): Failure {
    this.#failed = true;
    this.#stuck = true;
    this.#root.env.resumeWriting();
    return failureOf(cause);
  }

  /** lmdb-js learns here that a commit has ended; that it failed, and why, goes another way. */
  #watch(): void {
    const { env } = this.#root;
    const startWriting = env.startWriting;
    if (typeof startWriting !== "function") return;
    const watched: typeof startWriting = (instructions, done) =>
      startWriting.call(env, instructions, (status) => {
        if (status >= 0 && status <= 2) return done(status);
        this.#onFailure?.(status);
        return done(1);
      });
    Object.defineProperty(env, "startWriting", { value: watched });
  }
}
