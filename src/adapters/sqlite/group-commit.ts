import type { Outcome } from "../../adapter/adapter.js";
import { abortedError, onAbort } from "../../core/abort.js";
import { TaskError } from "../../core/errors.js";
import type { VersionClock } from "../../core/version.js";
import { fromPlain, storeError } from "./errors.js";
import { isFailure, type Operation, type PlainError, type Result, type Value } from "./operations.js";
import type { WriteThread } from "./write-thread.js";

/** The maximum of operations, and of bytes of bodies, in one transaction, about; those that are joined may be more. */
const MAX_OPERATIONS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** How much longer than the deadline a group may take, in milliseconds, until its outcome counts as unknown. */
const GRACE = 2_000;

/** What an operation costs this thread, in milliseconds, about. */
const COST = 0.0025;

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
 * Writes that are asked for while a transaction is flushed to the disk leave together, in the next one. As long as flushes
 * are fast, they leave in two groups: the thread writes one while this thread deals with what became of the other.
 */
export class GroupCommit {
  readonly #thread: WriteThread;
  readonly #options: GroupCommitOptions;
  readonly #queue: Call[] = [];
  #underWay = 0;
  #isLeaving = false;
  #lastFlush = Infinity;

  constructor(thread: WriteThread, options: GroupCommitOptions) {
    this.#thread = thread;
    this.#options = options;
  }

  /** What became of each. If they are aborted before they have left, they are not applied; later their outcome is unknown. */
  async write(operations: readonly Operation[], signal: AbortSignal | undefined): Promise<readonly Outcome<Value>[]> {
    const portions = inPortions(operations);
    if (portions.length === 1) return this.#call(operations, signal);
    return (await Promise.all(portions.map((portion) => this.#call(portion, signal)))).flat();
  }

  #call(operations: readonly Operation[], signal: AbortSignal | undefined): Promise<readonly Outcome<Value>[]> {
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
      const waiting = this.#queue.reduce((sum, { operations }) => sum + operations.length, 0);
      const most = this.#lastFlush < waiting * COST ? 2 : 1;
      while (this.#underWay < most && this.#queue.length > 0) this.#send(this.#takeGroup(this.#underWay < most - 1));
    });
  }

  async #send(calls: readonly Call[]): Promise<void> {
    const { path, clock, deadline } = this.#options;
    const times = { now: clock.now(), next: clock.next(), horizon: clock.horizon() };
    this.#underWay++;
    const timer = setTimeout(() => this.#giveUp(calls), this.#underWay * deadline + GRACE);
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
      this.#underWay--;
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

  /** As much as a transaction may have; or half of what waits. */
  #takeGroup(isHalf: boolean): Call[] {
    const waiting = this.#queue.reduce((sum, { operations }) => sum + operations.length, 0);
    const most = Math.min(MAX_OPERATIONS, isHalf ? waiting / 2 : waiting);
    const group: Call[] = [];
    for (let [count, bytes] = [0, 0]; count < most && bytes < MAX_BYTES; ) {
      const call = this.#queue.shift() as Call;
      group.push(call);
      count += call.operations.length;
      bytes += bytesOf(call.operations);
    }
    return group;
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

/** Parts that may be a transaction each. */
function inPortions(operations: readonly Operation[]): Operation[][] {
  const portions: Operation[][] = [];
  let bytes = 0;
  for (const operation of operations) {
    const last = portions.at(-1);
    if (last && (operation.isJoined || (last.length < MAX_OPERATIONS && bytes < MAX_BYTES))) last.push(operation);
    else {
      portions.push([operation]);
      bytes = 0;
    }
    bytes += operation.body.length;
  }
  return portions;
}

function bytesOf(operations: readonly Operation[]): number {
  return operations.reduce((sum, { body }) => sum + body.length, 0);
}
