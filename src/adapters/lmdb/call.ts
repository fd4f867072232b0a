import { abortedError } from "../../abort.js";
import type { Outcome } from "../../adapter.js";
import { isTaskError, type TaskError, type WriteOutcome } from "../../errors.js";
import type { TaskKey } from "../../keys.js";
import type { Block } from "./draft.js";
import { type Failure, unavailable } from "./failure.js";

/** A save or a complete of several entries, on its way through one transaction or more. */
export interface Call {
  /** Whether there are entries that have not been drafted. */
  readonly hasMore: boolean;
  draftNext(block: Block): void;
  /** The next so many of those that were drafted are committed, or have failed. */
  settle(count: number, failure: Failure | undefined): void;
  /** None of those that were drafted and not settled has been written; they are to be drafted again. */
  takeBack(): void;
  /** The next so many of those that were drafted have been written, and are to be drafted again all the same. */
  writeAgain(count: number): void;
  /** What is not settled will not be drafted any more. */
  refuse(failure: Failure): void;
  abort(signal: AbortSignal): void;
}

export class EntriesCall<E extends TaskKey, T> implements Call {
  readonly #entries: readonly E[];
  readonly #draft: (entry: E, block: Block) => T;
  readonly #folder: string;
  readonly #done: (outcomes: readonly Outcome<T>[]) => void;
  readonly #outcomes: Outcome<T>[] = [];
  /** So many of the entries have their outcome; so many are drafted; so many have been written at least once. */
  #settled = 0;
  #drafted = 0;
  #written = 0;
  #ended = false;

  /** See {@link WriteQueue.write}; `done` is called once. */
  constructor(
    entries: readonly E[],
    draft: (entry: E, block: Block) => T,
    folder: string,
    done: (outcomes: readonly Outcome<T>[]) => void,
  ) {
    this.#entries = entries;
    this.#draft = draft;
    this.#folder = folder;
    this.#done = done;
  }

  get hasMore(): boolean {
    return this.#drafted < this.#entries.length && !this.#ended;
  }

  draftNext(block: Block): void {
    const index = this.#drafted++;
    this.#outcomes[index] ??= nothingYet;
    const outcome = this.#outcomeOf(this.#entries[index] as E, block);
    if (!this.#ended) this.#outcomes[index] = outcome;
  }

  settle(count: number, failure: Failure | undefined): void {
    if (this.#ended) return;
    const end = this.#settled + count;
    if (failure) this.#fail(end, this.#unavailable(failure), failure.outcome);
    this.#settled = end;
    if (end === this.#entries.length) this.#end();
  }

  takeBack(): void {
    this.#drafted = this.#settled;
  }

  writeAgain(count: number): void {
    this.#written = Math.max(this.#written, this.#settled + count);
    this.#drafted = this.#settled;
  }

  refuse(failure: Failure): void {
    this.#drafted = this.#settled;
    this.#fail(this.#entries.length, this.#unavailable(failure), "not-applied");
    this.#end();
  }

  abort(signal: AbortSignal): void {
    const errorOf = (_: E, outcome: WriteOutcome) => abortedError(signal, outcome);
    this.#fail(this.#drafted, errorOf, "unknown");
    this.#settled = this.#drafted;
    this.#fail(this.#entries.length, errorOf, "not-applied");
    this.#end();
  }

  #outcomeOf(entry: E, block: Block): Outcome<T> {
    try {
      return { ok: true, value: this.#draft(entry, block) };
    } catch (error) {
      if (isTaskError(error)) return { ok: false, error };
      throw error;
    }
  }

  #unavailable(failure: Failure): (entry: E, outcome: WriteOutcome) => TaskError {
    return (entry, outcome) => unavailable(this.#folder, { ...failure, outcome }, entry);
  }

  /** From those that are settled up to `end`; what has been written once may be there, whatever came of it later. */
  #fail(end: number, errorOf: (entry: E, outcome: WriteOutcome) => TaskError, outcome: WriteOutcome): void {
    for (let i = this.#settled; i < end; i++) {
      const drafted = this.#outcomes[i];
      if (i < this.#drafted && drafted?.ok === false) continue;
      const error = errorOf(this.#entries[i] as E, i < this.#written ? "unknown" : outcome);
      this.#outcomes[i] = { ok: false, error, ...attemptedBy(drafted, error) };
    }
  }

  #end(): void {
    this.#ended = true;
    this.#done(this.#outcomes);
  }
}

/** Of an entry at which reading failed: all fails that was drafted with it. */
const nothingYet: Outcome<never> = { ok: true, value: undefined as never };

function attemptedBy(drafted: Outcome<unknown> | undefined, error: TaskError): { readonly attempted?: bigint } {
  const isSave = drafted?.ok && typeof drafted.value === "bigint";
  return isSave && error.outcome === "unknown" ? { attempted: drafted.value as bigint } : {};
}
