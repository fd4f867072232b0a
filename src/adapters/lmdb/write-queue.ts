import { setImmediate } from "node:timers/promises";
import { onAbort } from "../../abort.js";
import type { Outcome } from "../../adapter.js";
import type { TaskKey } from "../../keys.js";
import { type Call, EntriesCall } from "./call.js";
import type { Block, Draft } from "./draft.js";
import type { Environment } from "./environment.js";
import type { Failure } from "./failure.js";

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
        release?.();
        this.#calls.delete(call);
        resolve(outcomes);
      });
      const release = signal && onAbort(signal, () => call.abort(signal));
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
      if (oneByOne || (failure === undefined && block.result === "left out")) call.takeBack();
      else if (failure === undefined && block.result === "overtaken") call.writeAgain(count);
      else call.settle(count, failure);
  }
}

/** How many of a call's entries a transaction holds, and where. */
interface Part {
  readonly call: Call;
  readonly block: Block;
  count: number;
}
