import {
  type Adapter,
  type AllOptions,
  type ClaimStore,
  type CompleteEntry,
  checkClock,
  isTaskError,
  latestOf,
  type OperationOptions,
  type Outcome,
  processClock,
  readOptions,
  type SaveEntry,
  type StoredTask,
  TaskError,
  type TaskKey,
  throwIfAborted,
  type Version,
  type VersionClock,
} from "../../adapter/index.js";
import { MemoryClaims } from "./claims.js";

/** Options of a {@link MemoryAdapter}. */
export interface MemoryAdapterOptions {
  /** Where versions come from; tests may pass their own. @defaultValue the process's clock */
  readonly clock?: VersionClock | undefined;
}

/** Keeps tasks in this process's memory: for tests, and as the simplest example of an adapter. */
export class MemoryAdapter implements Adapter {
  readonly #clock: VersionClock;
  readonly #lists = new Map<string, MemoryLedger>();
  readonly #claims: MemoryClaims;
  #closed = false;

  /** Throws INVALID_ARGUMENT. */
  constructor(options: MemoryAdapterOptions = {}) {
    const { clock = processClock } = readOptions(options, { clock: true });
    checkClock(clock);
    this.#clock = clock;
    this.#claims = new MemoryClaims({
      clock,
      check: (signal) => this.#check(signal),
      versionOf: ({ taskList, id }) => this.#lists.get(taskList)?.get(id)?.savedAt,
    });
  }

  get claims(): ClaimStore {
    return this.#claims;
  }

  async open({ signal }: OperationOptions = {}): Promise<void> {
    this.#check(signal);
  }

  async save(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<Version>[]> {
    this.#check(signal);
    return entries.map((entry) => this.#saveOne(entry));
  }

  async find(
    keys: readonly TaskKey[],
    { signal }: OperationOptions = {},
  ): Promise<readonly (StoredTask | undefined)[]> {
    this.#check(signal);
    return keys.map(({ taskList, id }) => {
      const entry = this.#lists.get(taskList)?.get(id);
      if (entry) this.#clock.observe(entry.savedAt);
      return entry && copyOf(entry);
    });
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    this.#check(options.signal);
    const bound = this.#lists.get(taskList)?.last;
    if (bound === undefined) return;
    for (let last = options.after === undefined ? undefined : endOf(options.after); ; ) {
      this.#check(options.signal);
      const page = this.#lists.get(taskList)?.page(last, bound, options, this.#clock.horizon()) ?? [];
      last = page.at(-1);
      if (last === undefined) return;
      this.#clock.observe(last.savedAt);
      yield page.map(options.withoutBodies ? withoutBody : copyOf);
    }
  }

  async complete(
    entries: readonly CompleteEntry[],
    { signal }: OperationOptions = {},
  ): Promise<readonly Outcome<void>[]> {
    this.#check(signal);
    return entries.map(({ taskList, id, savedAt }) => {
      this.#clock.observe(savedAt);
      const ledger = this.#lists.get(taskList);
      if (ledger?.remove(id, savedAt)) this.#claims.drop({ taskList, id });
      if (ledger?.isEmpty) this.#lists.delete(taskList);
      return { ok: true, value: undefined };
    });
  }

  async saveTogether(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Promise<readonly Version[]> {
    this.#check(signal);
    const versions = entries.map((entry) => this.#nextVersion(entry));
    for (const [i, entry] of entries.entries()) this.#put(entry, versions[i] as Version);
    return versions;
  }

  async *lists({ signal }: OperationOptions = {}): AsyncGenerator<readonly string[], void, undefined> {
    this.#check(signal);
    if (this.#lists.size > 0) yield [...this.#lists.keys()];
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#lists.clear();
  }

  #check(signal: AbortSignal | undefined): void {
    if (this.#closed) throw new TaskError("CLOSED", "the adapter has been closed");
    throwIfAborted(signal);
  }

  #saveOne(entry: SaveEntry): Outcome<Version> {
    try {
      const savedAt = this.#nextVersion(entry);
      this.#put(entry, savedAt);
      return { ok: true, value: savedAt };
    } catch (error) {
      if (isTaskError(error)) return { ok: false, error };
      throw error;
    }
  }

  /** Throws CLOCK_SKEW. */
  #nextVersion({ taskList, id, replaces }: SaveEntry): Version {
    return this.#clock.next(latestOf([...replaces, this.#lists.get(taskList)?.get(id)?.savedAt ?? 0n]));
  }

  #put({ taskList, id, body }: SaveEntry, savedAt: Version): void {
    const ledger = this.#lists.get(taskList) ?? new MemoryLedger();
    const time = savedAt <= this.#clock.horizon() ? savedAt : this.#clock.now();
    ledger.put({ id, savedAt, time, body: body.slice() });
    this.#lists.set(taskList, ledger);
  }
}

interface Position {
  readonly savedAt: Version;
  readonly id: string;
}

interface Entry extends Position {
  /** When it was saved: its version, unless that is far ahead of the clock. */
  readonly time: Version;
  readonly body: Uint8Array;
}

function withoutBody({ id, savedAt, time }: Entry): StoredTask {
  return { id, savedAt, body: new Uint8Array(), savedTime: time === savedAt ? undefined : time };
}

/** A copy, which the caller may change. */
function copyOf({ id, savedAt, body }: Entry): StoredTask {
  return { id, savedAt, body: body.slice() };
}

/** The open tasks of one list: by id, and in the order of their versions. */
class MemoryLedger {
  readonly #tasks = new Map<string, Entry>();
  /** In order. Removed tasks stay until they are as many as the open ones. */
  #entries: Entry[] = [];

  get isEmpty(): boolean {
    return this.#tasks.size === 0;
  }

  get(id: string): Entry | undefined {
    return this.#tasks.get(id);
  }

  put(task: Entry): void {
    this.#tasks.set(task.id, task);
    const last = this.#entries.at(-1);
    if (last === undefined || isBefore(last, task)) this.#entries.push(task);
    else this.#entries.splice(this.#indexAfter(task), 0, task);
    this.#compact();
  }

  /** Whether there was such a version. */
  remove(id: string, upTo: Version): boolean {
    const task = this.#tasks.get(id);
    if (task === undefined || task.savedAt > upTo) return false;
    this.#tasks.delete(id);
    this.#compact();
    return true;
  }

  /** The end of a pass that begins now: tasks that are saved later belong to the next one. */
  get last(): Position | undefined {
    return this.#entries.at(-1);
  }

  page(after: Position | undefined, bound: Position, options: AllOptions, horizon: Version): Entry[] {
    const { pageSize, maxPageBytes, savedBefore } = options;
    const page: Entry[] = [];
    let bytes = 0;
    for (let i = after ? this.#indexAfter(after) : 0; i < this.#entries.length && page.length < pageSize; i++) {
      const task = this.#entries[i] as Entry;
      if (isBefore(bound, task)) break;
      if (this.#tasks.get(task.id) !== task) continue;
      if (savedBefore !== undefined && task.time >= savedBefore && task.time <= horizon) continue;
      bytes += task.body.length;
      if (bytes > maxPageBytes && page.length > 0) break;
      page.push(task);
    }
    return page;
  }

  /** The index of the first entry past a position. */
  #indexAfter(position: Position): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(position, this.#entries[middle] as Entry)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #compact(): void {
    if (this.#entries.length <= 2 * this.#tasks.size + 16) return;
    this.#entries = this.#entries.filter((task) => this.#tasks.get(task.id) === task);
  }
}

/** After all entries of a version: no id is empty. */
function endOf(version: Version): Position {
  return { savedAt: version + 1n, id: "" };
}

function isBefore(a: Position, b: Position): boolean {
  return a.savedAt < b.savedAt || (a.savedAt === b.savedAt && a.id < b.id);
}
