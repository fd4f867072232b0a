import { setImmediate } from "node:timers/promises";
import { abortedError } from "../../abort.js";
import type { Outcome } from "../../adapter.js";
import { isTaskError, type TaskError } from "../../errors.js";
import type { TaskKey } from "../../keys.js";
import type { Block, Draft } from "./draft.js";
import type { Environment } from "./environment.js";
import { type Failure, unavailable } from "./failure.js";

/** A transaction takes no more, so that other processes get their turn, and this one's other events. */
const MAX_ENTRIES = 1000;
const MAX_MILLISECONDS = 10;

/** Of one call, since each block of a draft is nested as deep as it has entries. */
const MAX_ENTRIES_A_BLOCK = 250;

/** Writes together, in the next transaction, what is asked for while one is under way. */
export class WriteQueue {
  readonly #environment: Environment;
  readonly #calls = new Set<Call>();
  #writing: Promise<void> | undefined;
  /** How many entries get a transaction of their own, since the one that they shared has failed. */
  #alone = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /**
   * Drafts each entry, in order, and resolves to what came of them once they are on the disk. `draft` may be called
   * again for an entry, if another process was first. A TaskError that it throws, before it has drafted anything, is that
   * entry's outcome. An abort leaves out what has not been drafted.
   */
  write<E extends TaskKey, T>(
    entries: readonly E[],
    draft: (entry: E, block: Block) => T,
    signal: AbortSignal | undefined,
  ): Promise<readonly Outcome<T>[]> {
    if (entries.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const call = new EntriesCall(entries, draft, this.#environment.folder, (outcomes) => {
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
      await setImmediate(); // what is asked for at the same time comes along
      const batch: Part[] = [];
      const room = this.#alone > 0 ? 1 : MAX_ENTRIES;
      const failure = await this.#environment.write((draft) => this.#compose(draft, batch, room));
      this.#settle(batch, failure);
      if (failure && (batch.length === 0 || this.#environment.failed))
        for (const call of this.#calls) call.refuse(failure);
    }
    this.#writing = undefined;
  }

  /** Notes in `batch` what has been drafted, also if it fails at an entry. */
  #compose(draft: Draft, batch: Part[], room: number): void {
    const end = performance.now() + MAX_MILLISECONDS;
    let left = room;
    for (const call of this.#calls) {
      const part = { call, block: draft.beginBlock(), count: 0 };
      batch.push(part);
      while (call.hasMore && part.count < MAX_ENTRIES_A_BLOCK) {
        if (left === 0 || (left < room && performance.now() > end)) return;
        left--;
        part.count++;
        call.draftNext(part.block);
      }
    }
  }

  /**
   * Entries that have failed together are tried again one by one: on a full disk a save fails, while a complete, or a
   * smaller save, succeeds.
   */
  #settle(batch: readonly Part[], failure: Failure | undefined): void {
    const count = batch.reduce((sum, part) => sum + part.count, 0);
    const oneByOne = failure?.outcome === "not-applied" && count > 1 && !this.#environment.failed;
    this.#alone = oneByOne ? count : Math.max(this.#alone - count, 0);
    for (const { call, block, count } of batch)
      if (oneByOne || (failure === undefined && !block.isDone)) call.takeBack(count);
      else call.settle(count, failure);
  }
}

/** How many of a call's entries a transaction holds, and where. */
interface Part {
  readonly call: Call;
  readonly block: Block;
  count: number;
}

interface Call {
  /** Whether there are entries that have not been drafted. */
  readonly hasMore: boolean;
  draftNext(block: Block): void;
  /** The next so many entries that were drafted are committed, or have failed. */
  settle(count: number, failure: Failure | undefined): void;
  /** The last so many entries that were drafted have not been written, and are to be drafted again. */
  takeBack(count: number): void;
  /** What has not been drafted will not be. */
  refuse(failure: Failure): void;
  abort(signal: AbortSignal): void;
}

class EntriesCall<E extends TaskKey, T> implements Call {
  readonly #entries: readonly E[];
  readonly #draft: (entry: E, block: Block) => T;
  readonly #folder: string;
  readonly #done: (outcomes: readonly Outcome<T>[]) => void;
  /** Of the entries that were drafted; those from `#settled` on only if they are committed. */
  readonly #outcomes: Outcome<T>[] = [];
  #settled = 0;
  #ended = false;

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
    return this.#outcomes.length < this.#entries.length;
  }

  draftNext(block: Block): void {
    const index = this.#outcomes.length;
    this.#outcomes.push(nothingYet);
    const outcome = this.#outcomeOf(this.#entries[index] as E, block);
    if (!this.#ended) this.#outcomes[index] = outcome;
  }

  #outcomeOf(entry: E, block: Block): Outcome<T> {
    try {
      return { ok: true, value: this.#draft(entry, block) };
    } catch (error) {
      if (isTaskError(error)) return { ok: false, error };
      throw error;
    }
  }

  settle(count: number, failure: Failure | undefined): void {
    if (this.#ended) return;
    const end = this.#settled + count;
    if (failure) this.#fail(end, (entry) => unavailable(this.#folder, failure, entry));
    this.#settled = end;
    if (end === this.#entries.length) this.#end();
  }

  takeBack(count: number): void {
    if (!this.#ended) this.#outcomes.length -= count;
  }

  refuse(failure: Failure): void {
    const refused: Failure = { ...failure, outcome: "not-applied" };
    this.#refuseRest((entry) => unavailable(this.#folder, refused, entry));
  }

  abort(signal: AbortSignal): void {
    this.#fail(this.#outcomes.length, () => abortedError(signal, "unknown"));
    this.#refuseRest(() => abortedError(signal));
  }

  /** Gives those an error, up to `end`, that have been drafted and were not settled. */
  #fail(end: number, errorOf: (entry: E) => TaskError): void {
    for (let i = this.#settled; i < end; i++) {
      const outcome = this.#outcomes[i] as Outcome<T>;
      if (outcome.ok) this.#outcomes[i] = failed(outcome.value, errorOf(this.#entries[i] as E));
    }
  }

  #refuseRest(errorOf: (entry: E) => TaskError): void {
    for (const entry of this.#entries.slice(this.#outcomes.length))
      this.#outcomes.push({ ok: false, error: errorOf(entry) });
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#done(this.#outcomes);
  }
}

/** Of an entry at which reading failed: all fails that was drafted with it. */
const nothingYet: Outcome<never> = { ok: true, value: undefined as never };

function failed<T>(value: T, error: TaskError): Outcome<T> {
  return typeof value === "bigint" && error.outcome === "unknown"
    ? { ok: false, error, attempted: value }
    : { ok: false, error };
}
