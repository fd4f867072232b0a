import { abortedError, onAbort } from "../../abort.js";
import type { Outcome } from "../../adapter.js";
import { TaskError } from "../../errors.js";
import type { VersionClock } from "../../version.js";
import { storeError } from "./errors.js";
import type { Operation, Result, Value } from "./operations.js";
import { fromPlain, type WriteThread } from "./write-thread.js";

/** The maximum of operations, and of bytes of their bodies, in one transaction; one operation may have more bytes. */
const MAX_OPERATIONS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** How long the thread may take beyond the deadline of a group until the group's outcome counts as unknown, in milliseconds. */
const GRACE = 2_000;

/** An operation whose caller waits. */
interface Pending {
  readonly operation: Operation;
  readonly since: number;
  readonly settle: (outcome: Outcome<Value>) => void;
}

/** Writes that are asked for while a transaction is flushed to the disk leave together, in the next one. */
export class GroupCommit {
  readonly #thread: WriteThread;
  readonly #path: string;
  readonly #clock: VersionClock;
  readonly #deadline: number;
  #queue: Pending[] = [];
  #writing: Promise<void> | undefined;

  /** `deadline` is how long an operation waits for the disk and for other processes, in milliseconds. */
  constructor(thread: WriteThread, path: string, clock: VersionClock, deadline: number) {
    this.#thread = thread;
    this.#path = path;
    this.#clock = clock;
    this.#deadline = deadline;
  }

  /** What became of an operation. Aborted before it has left, it is not applied; later its outcome is unknown. */
  write(operation: Operation, signal: AbortSignal | undefined): Promise<Outcome<Value>> {
    return new Promise((resolve) => {
      const pending: Pending = { operation, since: performance.now(), settle };
      const release = signal && onAbort(signal, abort);
      this.#queue.push(pending);
      this.#writing ??= this.#writeAll();

      function settle(outcome: Outcome<Value>) {
        release?.();
        resolve(outcome);
      }
      const remove = () => this.#remove(pending);
      function abort() {
        const hasLeft = !remove();
        settle({ ok: false, error: abortedError(signal as AbortSignal, hasLeft ? "unknown" : "not-applied") });
      }
    });
  }

  /** Resolves when nothing is waited for any more. */
  async idle(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // What is asked for in the same turn of the event loop leaves together.
    for (await nextTurn(); this.#queue.length > 0; await nextTurn()) await this.#writeGroup(this.#takeGroup());
    this.#writing = undefined;
  }

  async #writeGroup(group: readonly Pending[]): Promise<void> {
    const timer = setTimeout(() => this.#giveUp(group), this.#deadline + GRACE);
    const clock = { now: this.#clock.now(), next: this.#clock.next(), horizon: this.#clock.horizon() };
    try {
      const results = await this.#thread.write({ clock, operations: group.map(({ operation }) => operation) });
      for (const [i, { settle }] of group.entries()) settle(this.#outcomeOf(results[i] as Result));
    } catch (cause) {
      const error = storeError(this.#path, cause, "unknown");
      for (const { settle } of group) settle({ ok: false, error });
    } finally {
      clearTimeout(timer);
    }
  }

  #outcomeOf(result: Result): Outcome<Value> {
    if (!result.ok) return { ok: false, error: fromPlain(result.error) };
    // What this process saves elsewhere from now on is later.
    if (typeof result.value === "bigint") this.#clock.observe(result.value);
    return result;
  }

  /** The disk hangs. What has left may be applied; what waits behind it is not. */
  #giveUp(group: readonly Pending[]): void {
    const message = `the SQLite store ${this.#path}: the disk did not answer within the deadline`;
    const failed = (outcome: "unknown" | "not-applied"): Outcome<Value> => ({
      ok: false,
      error: new TaskError("TIMEOUT", message, { outcome }),
    });
    for (const { settle } of group) settle(failed("unknown"));
    for (const { settle } of this.#queue.splice(0)) settle(failed("not-applied"));
  }

  #takeGroup(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const { operation } of this.#queue) {
      bytes += operation.kind === "save" ? operation.body.length : 0;
      if (count === MAX_OPERATIONS || (bytes > MAX_BYTES && count > 0)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Whether it had not left yet. */
  #remove(pending: Pending): boolean {
    const at = this.#queue.indexOf(pending);
    if (at >= 0) this.#queue.splice(at, 1);
    return at >= 0;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
