// A third party's adapter, as a start for your own: it keeps tasks in a Map, in place of a database that several adapters
// share. Of Taskledger it imports only taskledger/adapter; map-adapter.test.ts runs the conformance suite on it.
import {
  type Adapter,
  type AllOptions,
  type CompleteEntry,
  isTaskError,
  joinKey,
  latestOf,
  type OperationOptions,
  type Outcome,
  processClock,
  type SaveEntry,
  type StoredTask,
  TaskError,
  type TaskKey,
  throwIfAborted,
  type Version,
} from "taskledger/adapter";

/** A row of the database. */
interface Row extends StoredTask {
  readonly taskList: string;
  /** When it was saved: its version, unless that was made by a wrong clock. */
  readonly time: Version;
}

/** The database: its rows by the key of their task. */
export type Rows = Map<string, Row>;

export class MapAdapter implements Adapter {
  readonly #rows: Rows;
  #isClosed = false;

  constructor(rows: Rows = new Map()) {
    this.#rows = rows;
  }

  async open({ signal }: OperationOptions = {}): Promise<void> {
    this.#check(signal);
  }

  async save(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<Version>[]> {
    this.#check(signal);
    return entries.map((entry) => this.#save(entry));
  }

  async find(
    keys: readonly TaskKey[],
    { signal }: OperationOptions = {},
  ): Promise<readonly (StoredTask | undefined)[]> {
    this.#check(signal);
    return keys.map((key) => {
      const row = this.#rows.get(joinKey(key));
      return row && read(row, true);
    });
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    this.#check(options.signal);
    // Tasks that are saved after the first pull are not listed, so that the listing ends.
    const end = this.#rowsOf(taskList).at(-1);
    const { after = 0n } = options;
    for (let last: Row | undefined; end; ) {
      this.#check(options.signal);
      const rows = this.#rowsOf(taskList).filter(
        (row) => row.savedAt > after && isAfter(row, last) && !isAfter(row, end),
      );
      const page = takePage(rows, options);
      last = page.at(-1);
      if (last === undefined) return;
      yield page.map((row) => read(row, !options.withoutBodies));
    }
  }

  async complete(
    entries: readonly CompleteEntry[],
    { signal }: OperationOptions = {},
  ): Promise<readonly Outcome<void>[]> {
    this.#check(signal);
    return entries.map((entry) => {
      processClock.observe(entry.savedAt);
      const key = joinKey(entry);
      const row = this.#rows.get(key);
      // Never removes a later version: the task was saved again while its worker was busy.
      if (row && row.savedAt <= entry.savedAt) this.#rows.delete(key);
      return { ok: true, value: undefined };
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #check(signal: AbortSignal | undefined): void {
    if (this.#isClosed) throw new TaskError("CLOSED", "the adapter has been closed");
    throwIfAborted(signal);
  }

  /** An entry that fails does not prevent others from being saved. */
  #save(entry: SaveEntry): Outcome<Version> {
    try {
      const savedAt = this.#nextVersion(entry);
      const { taskList, id, body } = entry;
      const time = savedAt <= processClock.horizon() ? savedAt : processClock.now();
      this.#rows.set(joinKey(entry), { taskList, id, savedAt, time, body: body.slice() });
      return { ok: true, value: savedAt };
    } catch (error) {
      if (isTaskError(error)) return { ok: false, error };
      throw error;
    }
  }

  /** A version later than those that it replaces, and than all that this process has made or seen. Throws CLOCK_SKEW. */
  #nextVersion(entry: SaveEntry): Version {
    return processClock.next(latestOf([...entry.replaces, this.#rows.get(joinKey(entry))?.savedAt ?? 0n]));
  }

  /** A database would have an index for this. */
  #rowsOf(taskList: string): Row[] {
    const rows = [...this.#rows.values()].filter((row) => row.taskList === taskList);
    return rows.sort((a, b) => (isAfter(a, b) ? 1 : -1));
  }
}

/** Copies the bytes, since the caller may change them. */
function read({ id, savedAt, body }: Row, withBody: boolean): StoredTask {
  processClock.observe(savedAt);
  return { id, savedAt, body: withBody ? body.slice() : new Uint8Array() };
}

/** At most `pageSize` rows and `maxPageBytes` bytes, but at least one row. */
function takePage(rows: readonly Row[], { pageSize, maxPageBytes, savedBefore }: AllOptions): Row[] {
  const page: Row[] = [];
  const horizon = processClock.horizon();
  let bytes = 0;
  for (const row of rows) {
    if (savedBefore !== undefined && row.time >= savedBefore && row.time <= horizon) continue;
    bytes += row.body.length;
    if (page.length === pageSize || (bytes > maxPageBytes && page.length > 0)) break;
    page.push(row);
  }
  return page;
}

function isAfter(row: Row, other: Row | undefined): boolean {
  if (other === undefined || row.savedAt > other.savedAt) return true;
  return row.savedAt === other.savedAt && row.id > other.id;
}
