import type { Outcome } from "../../adapter/adapter.js";
import { abortedError, onAbort } from "../../core/abort.js";
import type { WriteOutcome } from "../../core/errors.js";
import type { VersionClock } from "../../core/version.js";
import { fromPlain, storeError } from "./errors.js";
import type { Operation, Result, Value } from "./operations.js";
import type { WriteThread } from "./write-thread.js";

/** Maximum number of operations, and of bytes of their bodies, in one transaction; a single operation may have more bytes. */
const MAX_OPERATIONS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** How much longer than the deadline a group may take, in milliseconds, until its outcome counts as unknown. */
const GRACE = 2_000;

/** An operation whose caller waits. */
interface Pending {
  readonly operation: Operation;
  readonly settle: (result: Result) => void;
}

/** `deadline` is how long a group waits for the disk and for other processes, in milliseconds. */
export interface GroupCommitOptions {
  readonly path: string;
  readonly clock: VersionClock;
  readonly deadline: number;
}

/** Collects operations while a transaction is flushed to the disk, and writes them together in the next one. */
export class GroupCommit {
  readonly #thread: WriteThread;
  readonly #options: GroupCommitOptions;
  readonly #queue: Pending[] = [];
  #writing: Promise<void> | undefined;

  constructor(thread: WriteThread, options: GroupCommitOptions) {
    this.#thread = thread;
    this.#options = options;
  }

  /**
   * Resolves to the outcome of an operation. If it is aborted before it is sent to the thread, it is not applied; after
   * that, its outcome is unknown.
   */
  write(operation: Operation, signal: AbortSignal | undefined): Promise<Outcome<Value>> {
    return new Promise((resolve) => {
      let release: (() => void) | undefined;
      const settle = (result: Result) => {
        release?.();
        resolve(result.ok ? result : { ...result, error: fromPlain(result.error, operation) });
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

  /** Resolves when no operation is pending. */
  async idle(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // Operations of one turn of the event loop are written together.
    for (await nextTurn(); this.#queue.length > 0; await nextTurn()) await this.#write(this.#takeGroup());
    this.#writing = undefined;
  }

  async #write(group: readonly Pending[]): Promise<void> {
    const { path, clock, deadline } = this.#options;
    const timer = setTimeout(() => this.#giveUp(group), deadline + GRACE);
    const operations = group.map(({ operation }) => operation);
    const times = { now: clock.now(), next: clock.next(), horizon: clock.horizon() };
    try {
      const results = await this.#thread.write({ operations, ...times });
      for (const [i, result] of results.entries()) {
        // What this process saves in other stores from now on has a later version.
        if (result.ok && typeof result.value === "bigint") clock.observe(result.value);
        group[i]?.settle(result);
      }
    } catch (cause) {
      const error = storeError(path, cause, "unknown");
      for (const { settle } of group) settle({ ok: false, error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The disk hangs: the group that was sent may be applied; operations that wait for it are not. */
  #giveUp(group: readonly Pending[]): void {
    const message = `the SQLite store ${this.#options.path}: the disk did not answer within the deadline`;
    const late = (outcome: WriteOutcome): Result => ({
      ok: false,
      error: { code: "TIMEOUT", message, field: undefined, outcome },
    });
    for (const { settle } of group) settle(late("unknown"));
    for (const { settle } of this.#queue.splice(0)) settle(late("not-applied"));
  }

  #takeGroup(): Pending[] {
    let bytes = 0;
    const end = this.#queue.findIndex(({ operation }, i) => {
      bytes += bytesOf(operation);
      return i === MAX_OPERATIONS || (i > 0 && bytes > MAX_BYTES);
    });
    return this.#queue.splice(0, end < 0 ? this.#queue.length : end);
  }

  /** Removes an operation from the queue; returns false if it was already sent. */
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
