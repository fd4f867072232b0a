import { resolve } from "node:path";
import { throwIfAborted, untilAborted } from "../../abort.js";
import type {
  Adapter,
  AllOptions,
  CompleteEntry,
  OperationOptions,
  Outcome,
  SaveEntry,
  StoredTask,
} from "../../adapter.js";
import type { ClaimState, ClaimStore } from "../../claim-store.js";
import { invalidArgument, TaskError } from "../../errors.js";
import type { TaskKey } from "../../keys.js";
import { checkDuration, checkOptions } from "../../options.js";
import { checkClock, latestOf, processClock, type Version, type VersionClock } from "../../version.js";
import { Connection } from "./connection.js";
import { OpenFiles, prepareFile } from "./database-file.js";
import { type DriverName, findDriver } from "./driver.js";
import { storeError } from "./errors.js";
import { GroupCommit } from "./group-commit.js";
import type { Operation } from "./operations.js";
import { Reader } from "./reader.js";
import { WriteThread } from "./write-thread.js";

export interface SqliteAdapterOptions {
  /** The database file; it is made if it is not there, and its folder, too. SQLite puts `-wal` and `-shm` beside it. */
  readonly path: string;
  /** By default node:sqlite if this Node has a safe one, else better-sqlite3. */
  readonly driver?: DriverName | undefined;
  /** Opens a file that is there, and writes nothing: saves, completes and claims are UNSUPPORTED. False by default. */
  readonly readOnly?: boolean | undefined;
  /** How long a write waits for the disk and for other processes, in milliseconds; 10,000 by default. */
  readonly deadline?: number | undefined;
  /** Where versions come from; by default the process's clock, for tests one of their own. */
  readonly clock?: VersionClock | undefined;
}

const DEFAULT_DEADLINE = 10_000;
const drivers: readonly unknown[] = [undefined, "node:sqlite", "better-sqlite3"];

/** A file that is open. */
interface Store {
  readonly reader: Reader;
  readonly thread: WriteThread | undefined;
  readonly commit: GroupCommit | undefined;
}

/**
 * Keeps tasks in an SQLite database: one file on a local disk, for any number of processes of one host. A save that is
 * acknowledged is on the disk.
 *
 *     const tasks = configure({ types: [FetchFileTask], adapter: new SqliteAdapter({ path: "ledger.db" }) });
 */
export class SqliteAdapter implements Adapter {
  readonly #path: string;
  readonly #options: SqliteAdapterOptions;
  readonly #clock: VersionClock;
  readonly #deadline: number;
  readonly #calls = new Set<Promise<unknown>>();
  #opening: Promise<Store> | undefined;
  #closing: Promise<void> | undefined;
  readonly claims: ClaimStore = {
    claim: async (request, options) =>
      (await this.#write({ ...request, kind: "claim" }, options?.signal)) as ClaimState | undefined,
    renew: async ({ taskList, id, token }, lease, options) =>
      (await this.#write({ kind: "renew", taskList, id, token, lease }, options?.signal)) as number | undefined,
    release: async ({ taskList, id, token }, retryIn, options) => {
      await this.#write({ kind: "release", taskList, id, token, retryIn }, options?.signal);
    },
    states: (keys, options) => this.#call(options?.signal, ({ reader }) => reader.claims(keys)),
  };

  /** Opens the file only when it is first used, or by `open`. Throws INVALID_ARGUMENT. */
  constructor(options: SqliteAdapterOptions) {
    checkOptions(options);
    const { path, driver, clock = processClock, deadline = DEFAULT_DEADLINE } = options;
    if (typeof path !== "string" || path === "" || path === ":memory:" || path.includes("\0"))
      throw invalidArgument("path", "the path of a file (for a store in memory use MemoryAdapter)", path);
    if (!drivers.includes(driver)) throw invalidArgument("driver", '"node:sqlite" or "better-sqlite3"', driver);
    checkClock(clock);
    checkDuration("deadline", deadline, 1);
    this.#options = options;
    this.#path = resolve(path);
    this.#clock = clock;
    this.#deadline = deadline;
  }

  /** Throws MISSING_DRIVER, SCHEMA_MISMATCH if the file is of another program or a newer version, UNAVAILABLE. */
  open({ signal }: OperationOptions = {}): Promise<void> {
    return this.#call(signal, async () => undefined);
  }

  save(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<Version>[]> {
    return this.#writeAll<Version, SaveEntry>(entries, signal, ({ taskList, id, type, body, replaces }) => {
      return { kind: "save", taskList, id, type, body, replaced: latestOf(replaces) };
    });
  }

  complete(entries: readonly CompleteEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<void>[]> {
    return this.#writeAll<void, CompleteEntry>(entries, signal, ({ taskList, id, savedAt }) => {
      this.#clock.observe(savedAt);
      return { kind: "complete", taskList, id, savedAt };
    });
  }

  find(keys: readonly TaskKey[], { signal }: OperationOptions = {}): Promise<readonly (StoredTask | undefined)[]> {
    return this.#call(signal, ({ reader }) => reader.find(keys));
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    const { reader } = await this.#store(options.signal);
    const pages = reader.all(taskList, options);
    // Each page is a call of its own: nothing is held between two.
    for (;;) {
      const { done, value } = await this.#call(options.signal, () => pages.next());
      if (done) return;
      yield value;
    }
  }

  /** Waits for what is under way, and closes the file. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#calls);
    const store = await this.#opening?.catch(() => undefined);
    await store?.commit?.idle();
    store?.reader.close();
    await store?.thread?.close();
  }

  async #write(operation: Operation, signal: AbortSignal | undefined): Promise<unknown> {
    const [outcome] = await this.#writeAll<unknown, Operation>([operation], signal, () => operation);
    if (outcome?.ok) return outcome.value;
    throw outcome?.error;
  }

  #writeAll<T, E extends TaskKey>(
    entries: readonly E[],
    signal: AbortSignal | undefined,
    toOperation: (entry: E) => Operation,
  ): Promise<Outcome<T>[]> {
    return this.#call(signal, ({ commit }) => {
      if (commit === undefined) throw new TaskError("UNSUPPORTED", `the SQLite store ${this.#path} is open read-only`);
      return Promise.all(
        entries.map(async (entry) => {
          const outcome = await commit.write(toOperation(entry), signal);
          return (outcome.ok ? outcome : failed(outcome.error, entry)) as Outcome<T>;
        }),
      );
    });
  }

  /** Opens the file, if it is not open, and calls it; `close` waits for it. */
  async #call<T>(signal: AbortSignal | undefined, work: (store: Store) => Promise<T>): Promise<T> {
    const call = this.#store(signal).then(work);
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
    const store = await untilAborted(this.#opened(), signal);
    if (!store.thread?.hasEnded) return store;
    // The thread was ended from outside; what is called next has a new one.
    this.#opening = undefined;
    store.reader.close();
    return this.#store(signal);
  }

  /** A failed attempt does not stand in the way of the next. */
  #opened(): Promise<Store> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw storeError(this.#path, error);
    });
    return this.#opening;
  }

  async #open(): Promise<Store> {
    const { readOnly = false } = this.#options;
    const driver = findDriver(this.#options.driver);
    const realPath = prepareFile(this.#path, readOnly);
    const [path, deadline] = [this.#path, this.#deadline];
    const thread = readOnly ? undefined : await WriteThread.start({ driver, path, realPath, deadline });
    try {
      const connection = new Connection(driver, realPath, true);
      const reader = new Reader(path, connection, new OpenFiles(path, realPath), this.#clock);
      return { reader, thread, commit: thread && new GroupCommit(thread, path, this.#clock, deadline) };
    } catch (error) {
      await thread?.close();
      throw error;
    }
  }
}

/** The error with the task's list and id. A save of unknown outcome has no version: only the thread knows it. */
function failed({ code, message, field, outcome, cause }: TaskError, { taskList, id }: TaskKey): Outcome<never> {
  return { ok: false, error: new TaskError(code, message, { taskList, id, field, outcome, cause }) };
}
