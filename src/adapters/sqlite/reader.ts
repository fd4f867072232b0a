import { setTimeout as sleep } from "node:timers/promises";
import type { AllOptions, Finding, StoredTask } from "../../adapter/adapter.js";
import type { ClaimState } from "../../adapter/claim-store.js";
import { throwIfAborted } from "../../core/abort.js";
import type { TaskKey } from "../../core/keys.js";
import { latestOf, type Version, type VersionClock } from "../../core/version.js";
import { Connection } from "./connection.js";
import { OpenFiles } from "./database-file.js";
import { diagnose } from "./diagnosis.js";
import type { Row } from "./driver.js";
import { BUSY, resultCode, storeError } from "./errors.js";
import type { ThreadStart } from "./operations.js";
import { readClaim, toClaimState } from "./transaction.js";

const findTask = "SELECT saved_at, body FROM tasks WHERE list = ? AND id = ?";
const lastVersion = "SELECT max(saved_at) AS version FROM tasks WHERE list = ?";
const aheadUntil = "SELECT ahead_until AS version FROM ledger";
/** Goes from each list straight to the next, however many tasks it has. */
const nextLists = `WITH RECURSIVE names (list) AS (
    SELECT min(list) FROM tasks WHERE list > ?
    UNION ALL SELECT (SELECT min(list) FROM tasks WHERE list > names.list) FROM names WHERE list IS NOT NULL LIMIT ?
  )
  SELECT list FROM names WHERE list IS NOT NULL`;
const claimsOf = `SELECT id, saved_at, owner, token, attempt, ends_at FROM claims
  WHERE list = ? AND id IN (SELECT value FROM json_each(?))`;
const listTasks = (column: string) => `SELECT id, saved_at, ${column} FROM tasks
  WHERE list = ? AND saved_at > ? AND saved_at <= ? ORDER BY saved_at LIMIT ?`;
const listMisplaced = (column: string) => `SELECT id, saved_at, ${column} FROM tasks
  WHERE list = ? AND saved_at > ? AND saved_at <= ?
    AND (coalesce(saved_time, saved_at) < ? OR coalesce(saved_time, saved_at) > ?)
  ORDER BY saved_at LIMIT ?`;

/**
 * Maximum number of tasks in a page, whatever `pageSize` is. Larger pages are no faster, and live so long that V8 moves
 * them to its old generation: memory then peaks at twice as much when a million tasks are listed.
 */
const ROWS_AT_ONCE = 250;

/** Number of list names that are read at once. */
const LISTS_AT_ONCE = 500n;

/** SQLite's least and largest integer: before and after all versions of a list, also those that no clock can have made. */
const START_OF_LIST: Version = -(2n ** 63n);
const END_OF_LIST: Version = 2n ** 63n - 1n;

/** A part of a list: versions above `after`, up to `upTo`, inclusive. */
interface Range {
  readonly after: Version;
  readonly upTo: Version;
  /** Only tasks that were saved before the first of these times or after the second. */
  readonly outside?: readonly [Version, Version];
}

/**
 * Interval at which reads check that the file is still in its place, in milliseconds: a check takes longer than to find a task.
 * Writes are checked each time.
 */
const CHECK_INTERVAL = 10;

/** How long a read waits between two attempts, in milliseconds. */
const PAUSE = 2;

/** Reads a file in this thread. No transaction stays open between reads, so that the log can be truncated. */
export class Reader {
  readonly #start: ThreadStart;
  readonly #connection: Connection;
  readonly #files: OpenFiles;
  readonly #clock: VersionClock;
  #checkedAt = Number.NEGATIVE_INFINITY;

  /** Throws what opening the file throws. */
  static open(start: ThreadStart, clock: VersionClock): Promise<Reader> {
    return whenFree(start.deadline, () => new Reader(start, clock));
  }

  private constructor(start: ThreadStart, clock: VersionClock) {
    this.#start = start;
    this.#connection = new Connection(start.driver, start.realPath, true, 0);
    this.#files = new OpenFiles(start.path, start.realPath);
    this.#clock = clock;
  }

  find(keys: readonly TaskKey[]): Promise<readonly (StoredTask | undefined)[]> {
    return this.#read(() =>
      keys.map(({ taskList, id }) => {
        const row = this.#connection.get(findTask, taskList, id);
        return row && this.#meet({ ...row, id });
      }),
    );
  }

  claims(keys: readonly TaskKey[]): Promise<readonly (ClaimState | undefined)[]> {
    return this.#read(() => {
      const [first] = keys;
      const isOneList = keys.every(({ taskList }) => taskList === first?.taskList);
      return isOneList && first
        ? this.#claimsOf(first.taskList, keys)
        : keys.map((key) => readClaim(this.#connection, key));
    });
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    let ranges: Range[] | undefined;
    // One read says where the list ends and gives its first page: most lists need no other.
    while (ranges === undefined || ranges.length > 0) {
      throwIfAborted(options.signal);
      const page = await this.#read(() => {
        ranges ??= this.#rangesOf(taskList, options);
        return this.#nextPage(taskList, ranges, options);
      });
      if (page.length > 0) yield page;
    }
  }

  /** The next names after `after`, in the order of their bytes. */
  lists(after: string): Promise<readonly string[]> {
    return this.#read(() => this.#connection.all(nextLists, after, LISTS_AT_ONCE).map(({ list }) => list as string));
  }

  diagnose(): Promise<readonly Finding[]> {
    return this.#read(() => diagnose(this.#connection, this.#clock));
  }

  close(): void {
    this.#connection.close();
  }

  #claimsOf(taskList: string, keys: readonly TaskKey[]): (ClaimState | undefined)[] {
    const ids = JSON.stringify(keys.map(({ id }) => id));
    const rows = this.#connection.all(claimsOf, taskList, ids);
    const states = new Map(rows.map((row) => [row.id as string, toClaimState(row)]));
    return keys.map(({ id }) => states.get(id));
  }

  #lastVersion(taskList: string): Version | null {
    return this.#connection.get(lastVersion, taskList)?.version as Version | null;
  }

  /** The ranges to list. */
  #rangesOf(taskList: string, { after = START_OF_LIST, savedBefore }: AllOptions): Range[] {
    if (savedBefore === undefined) return [{ after, upTo: END_OF_LIST }];
    const last = this.#lastVersion(taskList);
    if (last === null) return [];
    const ranges = this.#rangesUpTo(last, latestOf([savedBefore]));
    return ranges.map((range) => ({ ...range, after: range.after > after ? range.after : after }));
  }

  #rangesUpTo(last: Version, savedBefore: Version): Range[] {
    if (savedBefore > last) return [{ after: START_OF_LIST, upTo: last }];
    const horizon = this.#clock.horizon();
    const ahead = this.#connection.get(aheadUntil)?.version as Version;
    // Some versions do not tell when their tasks were saved: those ahead of that time, and those of a clock that was ahead.
    const after = ahead >= savedBefore || horizon < savedBefore ? savedBefore - 1n : horizon;
    const misplaced: Range = { after, upTo: last, outside: [savedBefore, horizon] };
    return [{ after: START_OF_LIST, upTo: savedBefore - 1n }, ...(after < last ? [misplaced] : [])];
  }

  /** A page of the first of these ranges that has one; what was read is taken from them. An empty page is the end. */
  #nextPage(taskList: string, ranges: Range[], options: AllOptions): StoredTask[] {
    for (let [range] = ranges; range !== undefined; [range] = ranges) {
      const { page, isLast } = this.#readPage(taskList, range, options);
      const after = page.at(-1)?.savedAt;
      if (isLast || after === undefined) ranges.shift();
      else ranges[0] = { ...range, after, upTo: this.#endOf(taskList, range) };
      if (page.length > 0) return page;
    }
    return [];
  }

  /** A list whose first page is not its last ends at its last version then: tasks that are saved later are not listed. */
  #endOf(taskList: string, { upTo }: Range): Version {
    return upTo === END_OF_LIST ? (this.#lastVersion(taskList) ?? 0n) : upTo;
  }

  /** The first tasks of a range, and whether these are all. */
  #readPage(taskList: string, { after, upTo, outside }: Range, options: AllOptions) {
    const { pageSize, maxPageBytes, withoutBodies } = options;
    const limit = Math.min(pageSize, ROWS_AT_ONCE);
    const column = withoutBodies ? "saved_time" : "body";
    // Bodies may be too many for memory; without them all rows at once are faster.
    const read = withoutBodies ? "all" : "iterate";
    const rows = outside
      ? this.#connection[read](listMisplaced(column), taskList, after, upTo, ...outside, BigInt(limit))
      : this.#connection[read](listTasks(column), taskList, after, upTo, BigInt(limit));
    const page: StoredTask[] = [];
    let bytes = 0;
    for (const row of rows) {
      const task = this.#meet(row);
      bytes += task.body.length;
      if (bytes > maxPageBytes && page.length > 0) return { page, isLast: false };
      page.push(task);
    }
    return { page, isLast: page.length < limit || page.at(-1)?.savedAt === upTo };
  }

  #meet({ id, saved_at, body = new Uint8Array(), saved_time }: Row): StoredTask {
    this.#clock.observe(saved_at as Version);
    const task = { id: id as string, savedAt: saved_at as Version, body: body as Uint8Array };
    return saved_time ? { ...task, savedTime: saved_time as Version } : task;
  }

  /** Throws UNAVAILABLE if the file was moved, removed or replaced. */
  #check(): void {
    const now = performance.now();
    if (now - this.#checkedAt < CHECK_INTERVAL) return;
    this.#files.check();
    this.#checkedAt = now;
  }

  /** Throws UNAVAILABLE. */
  async #read<T>(read: () => T): Promise<T> {
    try {
      return await whenFree(this.#start.deadline, () => {
        this.#check();
        return read();
      });
    } catch (error) {
      throw storeError(this.#start.path, error);
    }
  }
}

/** Tries again, without blocking this thread, while another process locks the file, for example to recover its log. */
async function whenFree<T>(deadline: number, read: () => T): Promise<T> {
  for (const end = performance.now() + deadline; ; await sleep(PAUSE))
    try {
      return read();
    } catch (error) {
      if (resultCode(error) !== BUSY || performance.now() > end) throw error;
    }
}
