import { resolve } from "node:path";
import type {
  Adapter,
  AllOptions,
  CompleteEntry,
  Finding,
  OperationOptions,
  Outcome,
  SaveEntry,
  StoredTask,
} from "../../adapter/adapter.js";
import type { ClaimState, ClaimStore } from "../../adapter/claim-store.js";
import { throwIfAborted, untilAborted } from "../../core/abort.js";
import { checkBoolean, checkDuration, type OptionNames, readOptions } from "../../core/arguments.js";
import { invalidArgument, TaskError } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import { checkClock, latestOf, processClock, type Version, type VersionClock } from "../../core/version.js";
import { prepareFile } from "./database-file.js";
import { type DriverName, findDriver } from "./driver.js";
import { storeError } from "./errors.js";
import { GroupCommit, type GroupCommitOptions } from "./group-commit.js";
import type { Operation, Save } from "./operations.js";
import { Reader } from "./reader.js";
import { SCHEMA } from "./schema.js";
import { WriteThread } from "./write-thread.js";

/** Options of a {@link SqliteAdapter}. */
export interface SqliteAdapterOptions {
  /** The path of the database file; file and folder are created if they do not exist. SQLite puts `-wal` and `-shm` beside it. */
  readonly path: string;
  /** The driver. @defaultValue node:sqlite if this Node has a safe version, else better-sqlite3 */
  readonly driver?: DriverName | undefined;
  /** Opens an existing file and writes nothing: saves, completes and claims are UNSUPPORTED. @defaultValue false */
  readonly readOnly?: boolean | undefined;
  /** How long opening, a read or a write waits for the disk and for other processes, in milliseconds; 10,000 by default. */
  readonly deadline?: number | undefined;
  /** Where versions come from; tests may pass their own. @defaultValue the process's clock */
  readonly clock?: VersionClock | undefined;
}

const optionNames: OptionNames<SqliteAdapterOptions> = {
  ...{ path: true, driver: true, readOnly: true, deadline: true, clock: true },
};
const DEFAULT_DEADLINE = 10_000;
const drivers: readonly unknown[] = [undefined, "node:sqlite", "better-sqlite3"];

/** The options, with their defaults. */
type Settings = GroupCommitOptions & Pick<SqliteAdapterOptions, "driver"> & { readonly readOnly: boolean };

/** A file that is open; without a thread it is open read-only. */
interface Store {
  readonly reader: Reader;
  readonly writing?: { readonly thread: WriteThread; readonly commit: GroupCommit };
}

/**
 * Keeps tasks in an SQLite database: one file on a local disk, for any number of processes of one host. A save that is
 * acknowledged is on the disk.
 *
 *     const tasks = configure({ types: [FetchFileTask], adapter: new SqliteAdapter({ path: "ledger.db" }) });
 */
export class SqliteAdapter implements Adapter {
  readonly #options: Settings;
  readonly #calls = new Set<Promise<unknown>>();
  #opening: Promise<Store> | undefined;
  #closing: Promise<void> | undefined;
  readonly claims: ClaimStore = {
    claim: (request, options) => this.#writeOne<ClaimState | undefined>({ kind: "claim", ...request }, options),
    renew: ({ taskList, id, token }, lease, options) =>
      this.#writeOne<number | undefined>({ kind: "renew", taskList, id, token, lease }, options),
    release: ({ taskList, id, token }, retryIn, options) =>
      this.#writeOne<void>({ kind: "release", taskList, id, token, retryIn }, options),
    states: (keys, options) => this.#call(options?.signal, ({ reader }) => reader.claims(keys)),
  };

  /** The SQL that creates the tables of a new file, for people who want to see it. */
  static describeSchema(): string {
    return SCHEMA.trimStart();
  }

  /** Does not open the file before it is first used, or `open` is called. Throws INVALID_ARGUMENT. */
  constructor(options: SqliteAdapterOptions) {
    const { path, driver, ...given } = readOptions(options, optionNames);
    const { readOnly = false, deadline = DEFAULT_DEADLINE, clock = processClock } = given;
    if (typeof path !== "string" || path === "" || path === ":memory:" || path.includes("\0"))
      throw invalidArgument("path", "the path of a file (for a store in memory use MemoryAdapter)", path);
    if (!drivers.includes(driver)) throw invalidArgument("driver", '"node:sqlite" or "better-sqlite3"', driver);
    checkBoolean("readOnly", readOnly);
    checkDuration("deadline", deadline, 1);
    checkClock(clock);
    this.#options = { path: resolve(path), driver, readOnly, deadline, clock };
  }

  /** Throws MISSING_DRIVER, SCHEMA_MISMATCH if the file is of another program or a newer version, UNAVAILABLE. */
  open({ signal }: OperationOptions = {}): Promise<void> {
    return this.#call(signal, async () => undefined);
  }

  save(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<Version>[]> {
    return this.#write<Version>(entries.map(toSave), signal);
  }

  async saveTogether(entries: readonly SaveEntry[], options?: OperationOptions): Promise<readonly Version[]> {
    const [first] = entries;
    if (first === undefined) return [];
    const { taskList, id } = first;
    return this.#writeOne<Version[]>({ kind: "save-together", taskList, id, saves: entries.map(toSave) }, options);
  }

  complete(entries: readonly CompleteEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<void>[]> {
    const operations = entries.map(({ taskList, id, savedAt }): Operation => {
      this.#options.clock.observe(savedAt);
      return { kind: "complete", taskList, id, savedAt };
    });
    return this.#write<void>(operations, signal);
  }

  find(keys: readonly TaskKey[], { signal }: OperationOptions = {}): Promise<readonly (StoredTask | undefined)[]> {
    return this.#call(signal, ({ reader }) => reader.find(keys));
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    const { reader } = await this.#store(options.signal);
    const pages = reader.all(taskList, options);
    for (;;) {
      // Each page is a call of its own: nothing is held between two.
      const { done, value } = await this.#call(options.signal, () => pages.next());
      if (done) return;
      yield value;
    }
  }

  async *lists({ signal }: OperationOptions = {}): AsyncGenerator<readonly string[], void, undefined> {
    for (let after = ""; ; ) {
      const page = await this.#call(signal, ({ reader }) => reader.lists(after));
      const last = page.at(-1);
      if (last === undefined) return;
      after = last;
      yield page;
    }
  }

  diagnose({ signal }: OperationOptions = {}): Promise<readonly Finding[]> {
    return this.#call(signal, ({ reader }) => reader.diagnose());
  }

  /** Waits for operations in flight, and closes the file. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#calls);
    const store = await this.#opening?.catch(() => undefined);
    await store?.writing?.commit.idle();
    store?.reader.close();
    await store?.writing?.thread.close();
  }

  async #writeOne<T>(operation: Operation, { signal }: OperationOptions = {}): Promise<T> {
    const [outcome] = await this.#write<T>([operation], signal);
    if (outcome?.ok) return outcome.value;
    throw outcome?.error;
  }

  #write<T>(operations: readonly Operation[], signal: AbortSignal | undefined): Promise<readonly Outcome<T>[]> {
    return this.#call(signal, async ({ writing }) => {
      if (writing === undefined)
        throw new TaskError("UNSUPPORTED", `the SQLite store ${this.#options.path} is open read-only`);
      return Promise.all(operations.map((operation) => writing.commit.write(operation, signal) as Promise<Outcome<T>>));
    });
  }

  /** Opens the file, if it is not open, and calls it; `close` waits for it. */
  async #call<T>(signal: AbortSignal | undefined, work: (store: Store) => Promise<T>): Promise<T> {
    const call = this.#store(signal).then((store) => {
      throwIfAborted(signal); // which may have been in the meantime
      return work(store);
    });
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  async #store(signal: AbortSignal | undefined): Promise<Store> {
    if (this.#closing) throw new TaskError("CLOSED", "the adapter has been closed");
    throwIfAborted(signal);
    // After a failed attempt, the next call tries again.
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw storeError(this.#options.path, error);
    });
    const store = await untilAborted(this.#opening, signal);
    if (!store.writing?.thread.hasEnded) return store;
    // Somebody has ended the thread; what is called next has a new one.
    this.#opening = undefined;
    store.reader.close();
    return this.#store(signal);
  }

  async #open(): Promise<Store> {
    const { path, deadline, readOnly, clock } = this.#options;
    const driver = findDriver(this.#options.driver);
    const realPath = prepareFile(path, readOnly);
    const thread = readOnly ? undefined : await WriteThread.start({ driver, path, realPath, deadline });
    try {
      const reader = await Reader.open({ driver, path, realPath, deadline, clock });
      if (thread === undefined) return { reader };
      return { reader, writing: { thread, commit: new GroupCommit(thread, this.#options) } };
    } catch (error) {
      await thread?.close();
      throw error;
    }
  }
}

function toSave({ taskList, id, type, body, replaces }: SaveEntry): Save {
  // A view of a larger buffer would be passed to the thread with all of it.
  const own = body.length === body.buffer.byteLength ? body : body.slice();
  return { kind: "save", taskList, id, type, body: own, replaced: latestOf(replaces) };
}
