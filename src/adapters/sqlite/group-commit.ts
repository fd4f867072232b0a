import type { Outcome } from "../../adapter/adapter.js";
import { abortedError, onAbort } from "../../core/abort.js";
import { TaskError } from "../../core/errors.js";
import type { VersionClock } from "../../core/version.js";
import { fromPlain, storeError } from "./errors.js";
import { isFailure, type Operation, type PlainError, type Result, type Value } from "./operations.js";
import type { WriteThread } from "./write-thread.js";

/** The maximum of operations, and of bytes of bodies, in one transaction, unless a single call has more. */
const MAX_OPERATIONS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** How much longer than the deadline a group may take, in milliseconds, until its outcome counts as unknown. */
const GRACE = 2_000;

/** How long this thread is busy with an operation, in milliseconds, about. */
const TIME_PER_OPERATION = 0.0025;

/** Operations that leave together, and whose caller waits. */
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
 * Writes that are asked for while a transaction is flushed to the disk leave together, in the next one. If a flush takes less
 * time than this thread is busy with them, they leave in two groups: one is written while the callers of the other go on.
 */
export class GroupCommit {
  readonly #thread: WriteThread;
  readonly #options: GroupCommitOptions;
  readonly #queue: Call[] = [];
  readonly #sent = new Set<readonly Call[]>();
  #isLeaving = false;
  #lastFlush = Infinity;

  constructor(thread: WriteThread, options: GroupCommitOptions) {
    this.#thread = thread;
    this.#options = options;
  }

  /** What became of each. If they are aborted before they have left, they are not applied; later their outcome is unknown. */
  write(operations: readonly Operation[], signal: AbortSignal | undefined): Promise<readonly Outcome<Value>[]> {
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
      this.#leaveSoon();
    });
  }

  /** What is asked for in the same turn of the event loop leaves together. */
  #leaveSoon(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    setImmediate(() => {
      this.#isLeaving = false;
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
      this.#leaveSoon();
    }
  }

  #toOutcome(operation: Operation, result: Result): Outcome<Value> {
    if (isFailure(result)) return { ok: false, ...result, error: fromPlain(result.error, operation) };
    // What this process saves elsewhere from now on is later.
    if (typeof result === "bigint") this.#options.clock.observe(result);
    return { ok: true, value: result };
  }

  /** The disk hangs: what has left may be applied, and what waits behind it is not. */
  #giveUp(calls: readonly Call[]): void {
    const message = `the SQLite store ${this.#options.path}: the disk did not answer within the deadline`;
    for (const call of calls) fail(call, new TaskError("TIMEOUT", message, { outcome: "unknown" }));
    for (const call of this.#queue.splice(0)) fail(call, new TaskError("TIMEOUT", message));
  }

  /** At least one call; no more after so many operations, or the maximum of bytes. */
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

  /** Whether it had not left yet. */
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
