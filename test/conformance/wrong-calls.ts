import { setTimeout as sleep } from "node:timers/promises";
import type { AllOptions, CompleteEntry, Outcome, SaveEntry, StoredTask } from "../../src/adapter/index.js";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import { abortedError } from "../../src/core/abort.js";
import { MAX_VERSION } from "../../src/core/version.js";
import type { OperationOptions, Version } from "../../src/index.js";

type Saved = Promise<readonly Outcome<Version>[]>;
type Completed = Promise<readonly Outcome<void>[]>;
type Pages = AsyncGenerator<readonly StoredTask[], void, undefined>;

/** Has to be opened first. */
export class WantsToBeOpened extends MemoryAdapter {
  #isOpen = false;

  override async open(options?: OperationOptions): Promise<void> {
    await super.open(options);
    this.#isOpen = true;
  }

  override async save(entries: readonly SaveEntry[], options?: OperationOptions): Saved {
    if (!this.#isOpen) throw new Error("not open");
    return super.save(entries, options);
  }
}

/** Keeps the outcome of the first opening, even of one that failed. */
export class RemembersAFailedOpening extends MemoryAdapter {
  #opening: Promise<void> | undefined;

  override open(options?: OperationOptions): Promise<void> {
    this.#opening ??= super.open(options);
    return this.#opening;
  }
}

/** Ignores signals. */
export class IgnoresSignals extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    return super.save(entries);
  }

  override async complete(entries: readonly CompleteEntry[]): Completed {
    return super.complete(entries);
  }

  override all(taskList: string, { signal, ...options }: AllOptions): Pages {
    return super.all(taskList, options);
  }
}

/** Reports a call that is aborted in flight as not applied, though it is. */
export class DeniesWhatItDid extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Saved {
    const outcomes = await super.save(entries);
    await sleep(2);
    if (signal?.aborted) throw abortedError(signal);
    return outcomes;
  }

  override async complete(entries: readonly CompleteEntry[], { signal }: OperationOptions = {}): Completed {
    const outcomes = await super.complete(entries);
    await sleep(2);
    if (signal?.aborted) throw abortedError(signal);
    return outcomes;
  }
}

/** Applies in the background what it has reported as not applied. */
export class AppliesWhatItDenied extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[], options: OperationOptions = {}): Saved {
    if (options.signal?.aborted) sleep(5).then(() => super.save(entries));
    return super.save(entries, options);
  }
}

/** Sends entries of several calls together, and lets one signal abort all of them. */
export class AbortsItsNeighbours extends MemoryAdapter {
  #batch: AbortSignal[] = [];

  override async save(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Saved {
    if (signal) this.#batch.push(signal);
    const batch = this.#batch;
    await sleep(1);
    this.#batch = [];
    for (const each of batch) if (each.aborted) throw abortedError(each);
    return super.save(entries);
  }
}

/** Leaves a listener on every signal. */
export class LeavesListeners extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[], options: OperationOptions = {}): Saved {
    options.signal?.addEventListener("abort", () => {});
    return super.save(entries, options);
  }
}

/** Resolves close while saves are in flight. */
export class ClosesWithoutWaiting extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[], options?: OperationOptions): Saved {
    const outcomes = await super.save(entries, options);
    await sleep(10);
    return outcomes;
  }
}

/** Fails saves that are in flight when it is closed. */
export class DropsWhatIsUnderWay extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[], options?: OperationOptions): Saved {
    await Promise.resolve();
    return super.save(entries, options);
  }
}

/** Can be used after close. */
export class GoesOnAfterClose extends MemoryAdapter {
  override async close(): Promise<void> {}
}

export class ClosesOnce extends MemoryAdapter {
  #isClosed = false;

  override async close(): Promise<void> {
    if (this.#isClosed) throw new Error("closed twice");
    this.#isClosed = true;
    await super.close();
  }
}

/** Waits at close for every listing that has begun. */
export class WaitsForItsPasses extends MemoryAdapter {
  readonly #passes = new Set<Promise<void>>();

  override async *all(taskList: string, options: AllOptions): Pages {
    let end = () => {};
    const pass = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#passes.add(pass);
    try {
      yield* super.all(taskList, options);
    } finally {
      end();
    }
  }

  override async close(): Promise<void> {
    await Promise.all(this.#passes);
    await super.close();
  }
}

/** Checks for a newer version, and removes the task a moment later. */
export class CompletesInTwoSteps extends MemoryAdapter {
  override async complete(entries: readonly CompleteEntry[], options?: OperationOptions): Completed {
    const found = await this.find(entries, options);
    const due = entries.filter(({ savedAt }, i) => (found[i]?.savedAt ?? MAX_VERSION) <= savedAt);
    await super.complete(due.map((entry) => ({ ...entry, savedAt: MAX_VERSION })));
    return entries.map(() => ({ ok: true, value: undefined }));
  }
}

/** Removes a task before it is saved again. */
export class RemovesBeforeItSaves extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[], options?: OperationOptions): Saved {
    const isFound = await this.find(entries);
    await this.complete(entries.filter((_, i) => isFound[i]).map((entry) => ({ ...entry, savedAt: MAX_VERSION })));
    await sleep(1);
    return super.save(entries, options);
  }
}
