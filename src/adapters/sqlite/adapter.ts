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
import type { ClaimHolding, ClaimRequest, ClaimState, ClaimStore } from "../../adapter/claim-store.js";
import { Lifecycle } from "../../adapter/lifecycle.js";
import { checkBoolean, checkDuration, type OptionNames, readOptions } from "../../core/arguments.js";
import { invalidArgument, TaskError } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import { checkClock, latestOf, processClock, type Version, type VersionClock } from "../../core/version.js";
import { prepareFile } from "./database-file.js";
import { type DriverName, findDriver } from "./driver.js";
import { storeError } from "./errors.js";
import { GroupCommit, type GroupCommitOptions } from "./group-commit.js";
import type { Operation } from "./operations.js";
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
  readonly writing: { readonly thread: WriteThread; readonly commit: GroupCommit } | undefined;
}

/**
 * Keeps tasks in an SQLite database: one file on a local disk, for any number of processes of one host. A save that is
 * acknowledged is on the disk.
 *
 *     const tasks = configure({ types: [FetchFileTask], adapter: new SqliteAdapter({ path: "ledger.db" }) });
 */
export class SqliteAdapter implements Adapter {
  readonly #options: Settings;
  readonly #lifecycle: Lifecycle<Store>;
  readonly claims: ClaimStore = {
    claim: (request, options) => this.#writeClaim<ClaimState | undefined>(toClaim(request), options),
    renew: (holding, lease, options) => this.#writeClaim<number | undefined>(toHeld("renew", holding, lease), options),
    release: (holding, retryIn, options) => this.#writeClaim<void>(toHeld("release", holding, retryIn), options),
    states: (keys, options) => this.#lifecycle.call(options?.signal, ({ reader }) => reader.claims(keys)),
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
    this.#lifecycle = new Lifecycle<Store>({ open: () => openStore(this.#options), close: closeStore, isUsable });
  }

  /** Throws MISSING_DRIVER, SCHEMA_MISMATCH if the file is of another program or a newer version, UNAVAILABLE. */
  open({ signal }: OperationOptions = {}): Promise<void> {
    return this.#lifecycle.call(signal, async () => undefined);
  }

  save(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<Version>[]> {
    return this.#write<Version>(entries.map(toSave), signal);
  }

  async saveTogether(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Promise<readonly Version[]> {
    const saves = entries.map((entry, i) => ({ ...toSave(entry), isJoined: i > 0 }));
    return (await this.#write<Version>(saves, signal)).map(valueIn);
  }

  complete(entries: readonly CompleteEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<void>[]> {
    for (const { savedAt } of entries) this.#options.clock.observe(savedAt);
    return this.#write<void>(entries.map(toComplete), signal);
  }

  find(keys: readonly TaskKey[], { signal }: OperationOptions = {}): Promise<readonly (StoredTask | undefined)[]> {
    return this.#lifecycle.call(signal, ({ reader }) => reader.find(keys));
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    const pages = await this.#lifecycle.call(options.signal, async ({ reader }) => reader.all(taskList, options));
    for (;;) {
      // Each page is a call of its own: nothing is held between two.
      const { done, value } = await this.#lifecycle.call(options.signal, () => pages.next());
      if (done) return;
      yield value;
    }
  }

  async *lists({ signal }: OperationOptions = {}): AsyncGenerator<readonly string[], void, undefined> {
    for (let after = ""; ; ) {
      const page = await this.#lifecycle.call(signal, ({ reader }) => reader.lists(after));
      const last = page.at(-1);
      if (last === undefined) return;
      after = last;
      yield page;
    }
  }

  diagnose({ signal }: OperationOptions = {}): Promise<readonly Finding[]> {
    return this.#lifecycle.call(signal, ({ reader }) => reader.diagnose());
  }

  /** Waits for operations in flight, and closes the file. */
  close(): Promise<void> {
    return this.#lifecycle.close();
  }

  async #writeClaim<T>(operation: Operation, { signal }: OperationOptions = {}): Promise<T> {
    const [outcome] = await this.#write<T>([operation], signal);
    return valueIn(outcome as Outcome<T>);
  }

  #write<T>(operations: readonly Operation[], signal: AbortSignal | undefined): Promise<readonly Outcome<T>[]> {
    return this.#lifecycle.call(signal, ({ writing }) => {
      if (writing === undefined)
        throw new TaskError("UNSUPPORTED", `the SQLite store ${this.#options.path} is open read-only`);
      return writing.commit.write(operations, signal) as Promise<readonly Outcome<T>[]>;
    });
  }
}

/** Throws what opening the file throws, as a TaskError. */
async function openStore({ driver: wanted, ...options }: Settings): Promise<Store> {
  const { path, deadline, readOnly, clock } = options;
  let thread: WriteThread | undefined;
  try {
    const start = { driver: findDriver(wanted), path, realPath: prepareFile(path, readOnly), deadline };
    if (!readOnly) thread = await WriteThread.start(start);
    const reader = await Reader.open(start, clock);
    return { reader, writing: thread && { thread, commit: new GroupCommit(thread, options) } };
  } catch (error) {
    await thread?.close();
    throw storeError(path, error);
  }
}

/** Somebody may have ended its thread. */
function isUsable({ reader, writing }: Store): boolean {
  if (!writing?.thread.hasEnded) return true;
  reader.close();
  return false;
}

async function closeStore({ reader, writing }: Store, idle: Promise<void>): Promise<void> {
  await idle;
  reader.close();
  await writing?.thread.close();
}

const nothing = { version: 0n, name: "", time: 0, body: new Uint8Array(), isJoined: false };

function toSave({ taskList, id, type, body, replaces }: SaveEntry): Operation {
  return { kind: "save", taskList, id, version: latestOf(replaces), name: type, time: 0, body, isJoined: false };
}

function toComplete({ taskList, id, savedAt }: CompleteEntry): Operation {
  return { kind: "complete", taskList, id, ...nothing, version: savedAt };
}

function toClaim({ taskList, id, savedAt, owner, lease }: ClaimRequest): Operation {
  return { kind: "claim", taskList, id, ...nothing, version: savedAt, name: owner, time: lease };
}

function toHeld(kind: "renew" | "release", { taskList, id, token }: ClaimHolding, time: number): Operation {
  return { kind, taskList, id, ...nothing, version: token, time };
}

function valueIn<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw outcome.error;
}
