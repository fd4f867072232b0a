import type { Outcome } from "../../adapter/adapter.js";
import { abortedError, onAbort } from "../../core/abort.js";
import { TaskError } from "../../core/errors.js";
import type { VersionClock } from "../../core/version.js";
import { storeError } from "./errors.js";
import type { Operation, Result, Value } from "./operations.js";
import { toTaskError, type WriteThread } from "./write-thread.js";

/** The maximum of operations, and of bytes of bodies, in one transaction; a single operation may have more bytes. */
const MAX_OPERATIONS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** How much longer than the deadline a group may take, in milliseconds, until its outcome counts as unknown. */
const GRACE = 2_000;

/** An operation whose caller waits. */
interface Pending {
  readonly operation: Operation;
  readonly settle: (outcome: Outcome<Value>) => void;
}

/** Writes that are asked for while a transaction is flushed to the disk leave together, in the next one. */
export class GroupCommit {
  readonly #thread: WriteThread;
  readonly #path: string;
  readonly #clock: VersionClock;
  readonly #deadline: number;
  readonly #queue: Pending[] = [];
  #writing: Promise<void> | undefined;

  /** `deadline` is how long a group waits for the disk and for other processes, in milliseconds. */
  constructor(thread: WriteThread, path: string, clock: VersionClock, deadline: number) {
    this.#thread = thread;
    this.#path = path;
    this.#clock = clock;
    this.#deadline = deadline;
  }

  /** What became of an operation. If it is aborted before it has left, it is not applied; later its outcome is unknown. */
  write(operation: Operation, signal: AbortSignal | undefined): Promise<Outcome<Value>> {
    return new Promise((resolve) => {
      let release: (() => void) | undefined;
      const settle = (outcome: Outcome<Value>) => {
        release?.();
        resolve(outcome);
      };
      const pending = { operation, settle };
      if (signal)
        release = onAbort(signal, () => {
          const error = abortedError(signal, this.#takeBack(pending) ? "not-applied" : "unknown");
          settle({ ok: false, error });
        });
      this.#queue.push(pending);
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves when nobody waits any more. */
  async idle(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // What is asked for in the same turn of the event loop leaves together.
    for (await nextTurn(); this.#queue.length > 0; await nextTurn()) await this.#write(this.#takeGroup());
    this.#writing = undefined;
  }

  async #write(group: readonly Pending[]): Promise<void> {
    const timer = setTimeout(() => this.#giveUp(group), this.#deadline + GRACE);
    const operations = group.map(({ operation }) => operation);
    const clock = { now: this.#clock.now(), next: this.#clock.next(), horizon: this.#clock.horizon() };
    try {
      const results = await this.#thread.write({ operations, ...clock });
      for (const [i, { settle }] of group.entries()) settle(this.#outcomeOf(results[i] as Result));
    } catch (cause) {
      const error = storeError(this.#path, cause, "unknown");
      for (const { settle } of group) settle({ ok: false, error });
    } finally {
      clearTimeout(timer);
    }
  }

  #outcomeOf(result: Result): Outcome<Value> {
    if (!result.ok) return { ...result, error: toTaskError(result.error) };
    // What this process saves elsewhere from now on is later.
    if (typeof result.value === "bigint") this.#clock.observe(result.value);
    return result;
  }

  /** The disk hangs: what has left may be applied, and what waits behind it is not. */
  #giveUp(group: readonly Pending[]): void {
    const message = `the SQLite store ${this.#path}: the disk did not answer within the deadline`;
    for (const { settle } of group)
      settle({ ok: false, error: new TaskError("TIMEOUT", message, { outcome: "unknown" }) });
    for (const { settle } of this.#queue.splice(0)) settle({ ok: false, error: new TaskError("TIMEOUT", message) });
  }

  #takeGroup(): Pending[] {
    let bytes = 0;
    const end = this.#queue.findIndex(({ operation }, i) => {
      bytes += bytesOf(operation);
      return i === MAX_OPERATIONS || (i > 0 && bytes > MAX_BYTES);
    });
    return this.#queue.splice(0, end < 0 ? this.#queue.length : end);
  }

  /** Whether it had not left yet. */
  #takeBack(pending: Pending): boolean {
    const at = this.#queue.indexOf(pending);
    if (at >= 0) this.#queue.splice(at, 1);
    return at >= 0;
  }
}

function bytesOf(operation: Operation): number {
  if (operation.kind === "save") return operation.body.length;
  return operation.kind === "save-together" ? operation.saves.reduce((sum, save) => sum + bytesOf(save), 0) : 0;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
