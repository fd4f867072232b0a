import { abortedError } from "../../abort.js";
import type { Outcome } from "../../adapter.js";
import { isTaskError, type TaskError } from "../../errors.js";
import type { TaskKey } from "../../keys.js";
import type { Environment } from "./environment.js";
import { type Failure, unavailable } from "./failure.js";

/** A transaction takes no more, so that other processes get their turn, and this one's other events. */
const MAX_ENTRIES = 1000;
const MAX_MILLISECONDS = 10;

/** Writes together, in the next transaction, what is asked for while one is under way. */
export class WriteQueue {
  readonly #environment: Environment;
  readonly #calls = new Set<Call>();
  #writing: Promise<void> | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /**
   * Applies each entry, in order, within a transaction, and resolves to what came of them once it is on the disk. A
   * TaskError that `apply` throws, before it has written anything, is that entry's outcome. An abort leaves out what has
   * not been applied.
   */
  write<E extends TaskKey, T>(
    entries: readonly E[],
    apply: (entry: E) => T,
    signal: AbortSignal | undefined,
  ): Promise<readonly Outcome<T>[]> {
    if (entries.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const call = new EntriesCall(entries, apply, this.#environment.folder, (outcomes) => {
        signal?.removeEventListener("abort", onAbort);
        this.#calls.delete(call);
        resolve(outcomes);
      });
      const onAbort = () => call.abort(signal as AbortSignal);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#calls.add(call);
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#calls.size > 0) {
      const batch: Part[] = [];
      const failure = await this.#environment.commit(() => this.#apply(batch));
      for (const { call, count } of batch) call.settle(count, failure);
      if (failure && this.#environment.failed) for (const call of this.#calls) call.refuse(failure);
    }
    this.#writing = undefined;
  }

  /** Notes in `batch` what has been applied, also if it fails at an entry. */
  #apply(batch: Part[]): void {
    const end = performance.now() + MAX_MILLISECONDS;
    let room = MAX_ENTRIES;
    for (const call of this.#calls) {
      const part = { call, count: 0 };
      batch.push(part);
      while (call.hasMore) {
        if (room-- === 0 || performance.now() > end) return;
        part.count++;
        call.applyNext();
      }
    }
  }
}

/** How many of a call's entries a transaction holds. */
interface Part {
  readonly call: Call;
  count: number;
}

interface Call {
  /** Whether there are entries that have not been applied. */
  readonly hasMore: boolean;
  applyNext(): void;
  /** The next so many entries that were applied are committed, or have failed. */
  settle(count: number, failure: Failure | undefined): void;
  /** What has not been applied will not be. */
  refuse(failure: Failure): void;
  abort(signal: AbortSignal): void;
}

class EntriesCall<E extends TaskKey, T> implements Call {
  readonly #entries: readonly E[];
  readonly #apply: (entry: E) => T;
  readonly #folder: string;
  readonly #done: (outcomes: readonly Outcome<T>[]) => void;
  /** Of the entries that were applied; those from `#settled` on only if their transaction commits. */
  readonly #outcomes: Outcome<T>[] = [];
  #settled = 0;

  constructor(
    entries: readonly E[],
    apply: (entry: E) => T,
    folder: string,
    done: (outcomes: readonly Outcome<T>[]) => void,
  ) {
    this.#entries = entries;
    this.#apply = apply;
    this.#folder = folder;
    this.#done = done;
  }

  get hasMore(): boolean {
    return this.#outcomes.length < this.#entries.length;
  }

  applyNext(): void {
    const index = this.#outcomes.length;
    this.#outcomes.push(nothingYet);
    this.#outcomes[index] = this.#outcomeOf(this.#entries[index] as E);
  }

  #outcomeOf(entry: E): Outcome<T> {
    try {
      return { ok: true, value: this.#apply(entry) };
    } catch (error) {
      if (isTaskError(error)) return { ok: false, error };
      throw error;
    }
  }

  settle(count: number, failure: Failure | undefined): void {
    if (this.#settled === this.#entries.length) return; // aborted meanwhile
    const end = this.#settled + count;
    if (failure) this.#fail(end, (entry) => unavailable(this.#folder, failure, entry));
    this.#settled = end;
    if (end === this.#entries.length) this.#done(this.#outcomes);
  }

  refuse(failure: Failure): void {
    const refused: Failure = { ...failure, outcome: "not-applied" };
    this.#end((entry) => unavailable(this.#folder, refused, entry));
  }

  abort(signal: AbortSignal): void {
    this.#fail(this.#outcomes.length, () => abortedError(signal, "unknown"));
    this.#end(() => abortedError(signal));
  }

  /** Gives those an error, up to `end`, that have been applied and were not settled. */
  #fail(end: number, errorOf: (entry: E) => TaskError): void {
    for (let i = this.#settled; i < end; i++) {
      const outcome = this.#outcomes[i] as Outcome<T>;
      if (outcome.ok) this.#outcomes[i] = failed(outcome.value, errorOf(this.#entries[i] as E));
    }
  }

  #end(errorOf: (entry: E) => TaskError): void {
    for (const entry of this.#entries.slice(this.#outcomes.length))
      this.#outcomes.push({ ok: false, error: errorOf(entry) });
    this.#settled = this.#entries.length;
    this.#done(this.#outcomes);
  }
}

/** Of an entry at which LMDB failed: its transaction fails then. */
const nothingYet: Outcome<never> = { ok: true, value: undefined as never };

function failed<T>(value: T, error: TaskError): Outcome<T> {
  return typeof value === "bigint" && error.outcome === "unknown"
    ? { ok: false, error, attempted: value }
    : { ok: false, error };
}
