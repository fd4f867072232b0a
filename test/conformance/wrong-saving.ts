import type { AllOptions, CompleteEntry, Outcome, SaveEntry, StoredTask } from "../../src/adapter/index.js";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import { VersionClock } from "../../src/core/version.js";
import type { OperationOptions, TaskKey, Version } from "../../src/index.js";
import { TaskError } from "../../src/index.js";

type Saved = Promise<readonly Outcome<Version>[]>;
type Found = Promise<readonly (StoredTask | undefined)[]>;

/** Acknowledges the last entry of a call, but does not keep it. */
export class LosesTheLastSave extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    const outcomes = await super.save(entries);
    const [entry, outcome] = [entries.at(-1), outcomes.at(-1)];
    if (entry && outcome?.ok) await this.complete([{ ...entry, savedAt: outcome.value }]);
    return outcomes;
  }
}

/** Acknowledges a save over a task that is open, but keeps the old one. */
export class KeepsTheFirstVersion extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    const found = await this.find(entries);
    return super.save(entries.map((entry, i) => ({ ...entry, body: found[i]?.body ?? entry.body })));
  }
}

/** Saves in the order of the ids, and returns the outcomes in that order, too. */
export class SwapsOutcomes extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    return super.save([...entries].sort((a, b) => (a.id < b.id ? -1 : 1)));
  }
}

/** Lets one entry that can't be saved fail the whole call. */
export class FailsTogether extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    const outcomes = await super.save(entries);
    const failed = outcomes.find(({ ok }) => !ok);
    return failed ? entries.map(() => failed) : outcomes;
  }
}

/** Of entries with one key it keeps the first. */
export class LetsTheFirstWin extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    const outcomes = await super.save([...entries].reverse());
    return [...outcomes].reverse();
  }
}

/** Saves the last of several entries with one key, and returns its version for all of them. */
export class SharesAVersion extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    const keyOf = ({ taskList, id }: TaskKey) => JSON.stringify([taskList, id]);
    const distinct = [...new Map(entries.map((entry) => [keyOf(entry), entry])).values()];
    const outcomes = await super.save(distinct);
    const byKey = new Map(distinct.map((entry, i) => [keyOf(entry), outcomes[i] as Outcome<Version>]));
    return entries.map((entry) => byKey.get(keyOf(entry)) as Outcome<Version>);
  }
}

/** Saves at one version and acknowledges another. */
export class AcknowledgesAnotherVersion extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    const outcomes = await super.save(entries);
    return outcomes.map((outcome) => (outcome.ok ? { ok: true, value: outcome.value + 1n } : outcome));
  }
}

/** Takes the time as the version, whatever version it replaces. */
export class IgnoresWhatIsReplaced extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    return super.save(entries.map((entry) => ({ ...entry, replaces: [] })));
  }
}

/** Considers only one of the versions that a save replaces. */
export class LooksAtOneReplaced extends MemoryAdapter {
  override async save(entries: readonly SaveEntry[]): Saved {
    return super.save(entries.map((entry) => ({ ...entry, replaces: entry.replaces.slice(-1) })));
  }
}

/** Has its own clock, which is behind that of the process. */
export class HasItsOwnClock extends MemoryAdapter {
  constructor() {
    super({ clock: new VersionClock(() => BigInt(Date.now() - 200) * 1000n) });
  }
}

/** Counts versions in milliseconds. */
export class CountsMilliseconds extends MemoryAdapter {
  constructor() {
    super({ clock: new VersionClock(() => BigInt(Date.now())) });
  }
}

/** Follows every clock, however far ahead it is. */
export class FollowsWildClocks extends MemoryAdapter {
  constructor() {
    super({ clock: new VersionClock(undefined, 10n ** 15n) });
  }
}

/** Removes any version. */
export class CompletesNewerVersions extends MemoryAdapter {
  override async complete(
    entries: readonly CompleteEntry[],
    options?: OperationOptions,
  ): Promise<readonly Outcome<void>[]> {
    return super.complete(
      entries.map((entry) => ({ ...entry, savedAt: entry.savedAt + 10n ** 12n })),
      options,
    );
  }
}

/** Removes the version that was seen, but no older one. */
export class CompletesExactlyOne extends MemoryAdapter {
  override async complete(
    entries: readonly CompleteEntry[],
    options?: OperationOptions,
  ): Promise<readonly Outcome<void>[]> {
    const found = await this.find(entries);
    const same = entries.filter((entry, i) => found[i]?.savedAt === entry.savedAt);
    await super.complete(same, options);
    return entries.map(() => ({ ok: true, value: undefined }));
  }
}

/** Fails if a task is not open. */
export class FailsOnAbsentTasks extends MemoryAdapter {
  override async complete(
    entries: readonly CompleteEntry[],
    options?: OperationOptions,
  ): Promise<readonly Outcome<void>[]> {
    const found = await this.find(entries);
    const outcomes = await super.complete(entries, options);
    const absent = new TaskError("UNAVAILABLE", "there is no such task");
    return outcomes.map((outcome, i) => (found[i] ? outcome : { ok: false, error: absent }));
  }
}

/** Returns results by key, so that a key that is given twice is found once. */
export class AnswersOnce extends MemoryAdapter {
  override async find(keys: readonly TaskKey[], options?: OperationOptions): Found {
    const ids = keys.map(({ taskList, id }) => JSON.stringify([taskList, id]));
    const found = await super.find(keys, options);
    return found.map((stored, i) => (ids.indexOf(ids[i] ?? "") === i ? stored : undefined));
  }
}

/** Returns the bytes that it stores, without a copy. */
export class HandsOutItsOwnBytes extends MemoryAdapter {
  readonly #given = new Map<bigint, StoredTask>();

  override async find(keys: readonly TaskKey[], options?: OperationOptions): Found {
    return (await super.find(keys, options)).map((stored) => stored && this.#own(stored));
  }

  #own(stored: StoredTask): StoredTask {
    if (!this.#given.has(stored.savedAt)) this.#given.set(stored.savedAt, stored);
    return this.#given.get(stored.savedAt) as StoredTask;
  }
}

/** Reads into the same buffer each time. */
export class ReusesItsBuffer extends MemoryAdapter {
  readonly #buffer = new Uint8Array(2 * 1024 * 1024);

  override async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    for await (const page of super.all(taskList, options)) {
      let used = 0;
      yield page.map((stored) => {
        const { body } = stored;
        this.#buffer.set(body, used);
        used += body.length;
        return { ...stored, body: this.#buffer.subarray(used - body.length, used) };
      });
    }
  }
}

/** Changes every key on its way to the store. */
abstract class ChangesKeys extends MemoryAdapter {
  abstract change(key: TaskKey): TaskKey;

  override async save(entries: readonly SaveEntry[], options?: OperationOptions): Saved {
    return super.save(
      entries.map((entry) => ({ ...entry, ...this.change(entry) })),
      options,
    );
  }

  override async find(keys: readonly TaskKey[], options?: OperationOptions): Found {
    return super.find(
      keys.map((key) => this.change(key)),
      options,
    );
  }

  override async complete(
    entries: readonly CompleteEntry[],
    options?: OperationOptions,
  ): Promise<readonly Outcome<void>[]> {
    return super.complete(
      entries.map((entry) => ({ ...entry, ...this.change(entry) })),
      options,
    );
  }

  override all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    return super.all(this.change({ taskList, id: "" }).taskList, options);
  }
}

/** Truncates keys, like a store with a limited index. */
export class CutsKeysOff extends ChangesKeys {
  override change({ taskList, id }: TaskKey): TaskKey {
    return { taskList: taskList.slice(0, 120), id: id.slice(0, 120) };
  }
}

/** Treats keys as equal that are equivalent in Unicode. */
export class NormalizesKeys extends ChangesKeys {
  override change({ taskList, id }: TaskKey): TaskKey {
    return { taskList: taskList.normalize(), id: id.normalize() };
  }
}

/** Treats keys as equal if list and id are the same when joined. */
export class JoinsKeys extends ChangesKeys {
  override change({ taskList, id }: TaskKey): TaskKey {
    return { taskList: taskList.slice(0, 20), id: `${taskList.slice(20)}${id}` };
  }
}
