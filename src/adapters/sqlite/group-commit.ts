import type { Outcome } from "../../adapter/adapter.js";
import { abortedError, onAbort } from "../../core/abort.js";
import { TaskError } from "../../core/errors.js";
import type { VersionClock } from "../../core/version.js";
import { fromPlain, storeError } from "./errors.js";
import { isFailure, type Operation, type PlainError, type Result, type Value } from "./operations.js";
import type { WriteThread } from "./write-thread.js";

/** Maximum number of operations, and of bytes of their bodies, in one transaction; the last of its calls may exceed it. */
const MAX_OPERATIONS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** How much longer than the deadline a group may take, in milliseconds, until its outcome counts as unknown. */
const GRACE = 2_000;

/** About how long this thread needs for an operation, in milliseconds. */
const TIME_PER_OPERATION = 0.0025;

/** Operations that are sent together, and whose caller waits. */
interface Call {
  readonly operations: readonly Operation[];
  readonly settle: (outcomes: readonly Outcome<Value>[]) => void;
}

/** `deadline` is how long a group waits for the disk and for other processes, in milliseconds. */
export interface GroupCommitOptions {
  readonly path: string;
  readonly clock: VersionClock;
  readonly deadline: number;
}

/**
 * Collects operations while a transaction is flushed to the disk, and writes them together in the next one. If a flush takes
 * less time than this thread needs for them, they are written in two groups: one while the callers of the other go on.
 */
export class GroupCommit {
  readonly #thread: WriteThread;
  readonly #options: GroupCommitOptions;
  readonly #queue: Call[] = [];
  readonly #sent = new Set<readonly Call[]>();
  #isSending = false;
  #lastFlush = Infinity;

  constructor(thread: WriteThread, options: GroupCommitOptions) {
    this.#thread = thread;
    this.#options = options;
  }

  /**
   * Resolves to the outcome of each operation. If they are aborted before they are sent to the thread, they are not applied;
   * after that, their outcome is unknown.
   */
  async write(operations: readonly Operation[], signal: AbortSignal | undefined): Promise<readonly Outcome<Value>[]> {
    if (operations.length === 0) return [];
    return new Promise((resolve) => {
      let release: (() => void) | undefined;
      const settle = (outcomes: readonly Outcome<Value>[]) => {
        release?.();
        resolve(outcomes);
      };
      const call: Call = { operations, settle };
      if (signal)
        release = onAbort(signal, () =>
          fail(call, abortedError(signal, this.#takeBack(call) ? "not-applied" : "unknown")),
        );
      this.#queue.push(call);
      this.#sendSoon();
    });
  }

  /** Operations of one turn of the event loop are written together. */
  #sendSoon(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    setImmediate(() => {
      this.#isSending = false;
      const waiting = countOf(this.#queue);
      const busy = TIME_PER_OPERATION * (waiting + countOf([...this.#sent].flat()));
      for (let free = (this.#lastFlush < busy ? 2 : 1) - this.#sent.size; free > 0 && this.#queue.length > 0; free--)
        this.#send(this.#takeGroup(Math.min(MAX_OPERATIONS, waiting / free)));
    });
  }

  async #send(calls: readonly Call[]): Promise<void> {
    const { path, clock, deadline } = this.#options;
    const times = { now: clock.now(), next: clock.next(), horizon: clock.horizon() };
    this.#sent.add(calls);
    const timer = setTimeout(() => this.#giveUp(calls), this.#sent.size * deadline + GRACE);
    try {
      const operations = calls.flatMap((call) => call.operations);
      const { results, flush } = await this.#thread.write({ operations, times });
      this.#lastFlush = flush;
      let end = 0;
      for (const { operations, settle } of calls) {
        const start = end;
        end += operations.length;
        settle(operations.map((operation, i) => this.#toOutcome(operation, results[start + i])));
      }
    } catch (cause) {
      const error = storeError(path, cause, "unknown");
      for (const call of calls) fail(call, error);
    } finally {
      clearTimeout(timer);
      this.#sent.delete(calls);
      this.#sendSoon();
    }
  }

  #toOutcome(operation: Operation, result: Result): Outcome<Value> {
    if (isFailure(result)) return { ok: false, ...result, error: fromPlain(result.error, operation) };
    // What this process saves in other stores from now on has a later version.
    if (typeof result === "bigint") this.#options.clock.observe(result);
    return { ok: true, value: result };
  }

  /** The disk hangs: the group that was sent may be applied; operations that wait for it are not. */
  #giveUp(calls: readonly Call[]): void {
    const message = `the SQLite store ${this.#options.path}: the disk did not answer within the deadline`;
    for (const call of calls) fail(call, new TaskError("TIMEOUT", message, { outcome: "unknown" }));
    for (const call of this.#queue.splice(0)) fail(call, new TaskError("TIMEOUT", message));
  }

  /** Removes calls from the queue: at least one, and no more once they have so many operations, or the maximum of bytes. */
  #takeGroup(most: number): Call[] {
    let [count, bytes] = [0, 0];
    const end = this.#queue.findIndex(({ operations }) => {
      if (count >= most || bytes >= MAX_BYTES) return true;
      count += operations.length;
      bytes += operations.reduce((sum, { body }) => sum + body.length, 0);
      return false;
    });
    return this.#queue.splice(0, end < 0 ? this.#queue.length : end);
  }

  /** Removes a call from the queue; returns false if it was already sent. */
  #takeBack(call: Call): boolean {
    const at = this.#queue.indexOf(call);
    if (at >= 0) this.#queue.splice(at, 1);
    return at >= 0;
  }
}

function fail({ operations, settle }: Call, error: PlainError): void {
  settle(operations.map((operation) => ({ ok: false, error: fromPlain(error, operation) })));
}

function countOf(calls: readonly Call[]): number {
  return calls.reduce((sum, { operations }) => sum + operations.length, 0);
}
