import type {
  Adapter,
  AllOptions,
  CompleteEntry,
  Finding,
  OperationOptions,
  Outcome,
  SaveEntry,
  StoredTask,
  WriteOptions,
} from "../../adapter/adapter.js";
import type { ClaimStore } from "../../adapter/claim-store.js";
import { Lifecycle } from "../../adapter/lifecycle.js";
import { checkOptions } from "../../core/arguments.js";
import { TaskError } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import { toMilliseconds, type Version } from "../../core/version.js";
import { type LedgerOptions, ledgerOptionNames, resolveLedgerOptions } from "./arguments.js";
import {
  type CassandraConnectionOptions,
  type Connection,
  type CreateSchemaOptions,
  connect,
  createSchemaWith,
} from "./connect.js";
import { CassandraClaims } from "./ledger/claims.js";
import { Ledger } from "./ledger/ledger.js";
import { ListNames } from "./ledger/list-names.js";
import type { SweepReport } from "./ledger/sweeper.js";
import { processRuntime } from "./runtime.js";
import { checkKeyspaceName, describeSchema, resolveSchema, type SchemaInit } from "./schema/tables.js";

/** How Cassandra is reached, and how the ledger works on it. */
export type CassandraAdapterOptions = CassandraConnectionOptions & LedgerOptions;

/** The parts of an open adapter. */
interface Opened extends Pick<Connection, "diagnose" | "close"> {
  readonly ledger: Ledger;
  readonly claims: CassandraClaims;
  readonly lists: ListNames;
}

/**
 * Keeps tasks in Cassandra.
 *
 *     await CassandraAdapter.createSchema({ contactPoints, localDataCenter: "dc1", keyspace: "tasks",
 *       replication: { class: "NetworkTopologyStrategy", dc1: 3 } });               // once
 *     const adapter = new CassandraAdapter({ contactPoints, localDataCenter: "dc1", keyspace: "tasks" });
 *
 * Once it is open, it keeps the process running until it is closed.
 */
export class CassandraAdapter implements Adapter {
  readonly #options: CassandraAdapterOptions;
  readonly #lifecycle = new Lifecycle<Opened>({ open: () => this.#connect(), close: disconnect });
  readonly claims: ClaimStore = {
    claim: (request, { signal } = {}) => this.#write(signal, ({ claims }) => claims.claim(request, signal)),
    renew: (holding, lease, { signal } = {}) =>
      this.#write(signal, ({ claims }) => claims.renew(holding, lease, signal)),
    release: (holding, retryIn, { signal } = {}) =>
      this.#write(signal, ({ claims }) => claims.release(holding, retryIn, signal)),
    forget: (holding, { signal } = {}) => this.#write(signal, ({ claims }) => claims.forget(holding, signal)),
    states: (keys, { signal } = {}) => this.#lifecycle.call(signal, ({ claims }) => claims.states(keys, signal)),
  };

  /** Does not connect before it is first used, or opened. Throws INVALID_ARGUMENT. */
  constructor(options: CassandraAdapterOptions) {
    checkOptions(options);
    checkKeyspaceName(options.keyspace);
    resolveLedgerOptions(options);
    this.#options = options;
  }

  /**
   * Creates the keyspace, its tables and its settings if they do not exist; never changes existing ones. When it resolves, all
   * nodes of the data centre have them.
   *
   * @throws `TaskError` SCHEMA_MISMATCH if what exists differs from what is asked for, INVALID_ARGUMENT,
   * MISSING_DRIVER, UNAVAILABLE, and after its `deadline` TIMEOUT: calling it again is safe.
   */
  static async createSchema(options: CreateSchemaOptions): Promise<void> {
    await createSchemaWith(options);
  }

  /** The CQL that creates all this on Cassandra 5, for a client in this data centre: for people who apply it themselves. */
  static describeSchema(options: { readonly keyspace: string; readonly localDataCenter: string } & SchemaInit): string {
    checkOptions(options);
    return describeSchema(resolveSchema(options, options.localDataCenter));
  }

  open({ signal }: OperationOptions = {}): Promise<void> {
    return this.#lifecycle.call(signal, async () => undefined);
  }

  save(entries: readonly SaveEntry[], options: WriteOptions = {}): Promise<readonly Outcome<Version>[]> {
    return this.#write(options.signal, async ({ ledger, lists }) =>
      lists.settle(entries, await ledger.save(entries, options)),
    );
  }

  find(keys: readonly TaskKey[], { signal }: OperationOptions = {}): Promise<readonly (StoredTask | undefined)[]> {
    return this.#lifecycle.call(signal, ({ ledger }) => ledger.find(keys, signal));
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    const ledger = await this.#lifecycle.call(options.signal, async (opened) => opened.ledger);
    yield* ledger.all(taskList, options);
  }

  complete(entries: readonly CompleteEntry[], options: WriteOptions = {}): Promise<readonly Outcome<void>[]> {
    return this.#write(options.signal, ({ ledger }) => ledger.complete(entries, options));
  }

  async *lists({ signal }: OperationOptions = {}): AsyncGenerator<readonly string[], void, undefined> {
    const { readOnly = false } = this.#options;
    const pages = await this.#lifecycle.call(signal, async ({ ledger, lists }) =>
      lists.pages((list) => ledger.isEmpty(list, signal), readOnly, signal),
    );
    for (;;) {
      const { done, value } = await this.#lifecycle.call(signal, () => pages.next());
      if (done) return;
      yield value;
    }
  }

  async diagnose({ signal }: OperationOptions = {}): Promise<readonly Finding[]> {
    const findings = await this.#lifecycle.call(signal, (opened) => opened.diagnose());
    const lists: string[] = [];
    for await (const page of this.lists({ signal })) {
      lists.push(...page);
      if (lists.length >= LISTS_LOOKED_AT) break;
    }
    const some = lists.slice(0, LISTS_LOOKED_AT);
    return [...findings, await this.#lifecycle.call(signal, ({ ledger }) => ledger.findUnswept(some, signal))];
  }

  /**
   * Covers the completed tasks of a list with one tombstone per range, so that reading it stays cheap. This happens automatically
   * (`sweepEvery`); call it to choose the time yourself. Throws CLOCK_SKEW, and what the store throws.
   */
  sweep(taskList: string, { signal }: OperationOptions = {}): Promise<SweepReport> {
    return this.#write(signal, ({ ledger }) => ledger.sweep(taskList, signal));
  }

  /**
   * Waits for operations in flight, and shuts down the adapter's own client, so that the process can end; a client that the
   * user passed stays open. Idempotent.
   */
  close(): Promise<void> {
    return this.#lifecycle.close();
  }

  #write<T>(signal: AbortSignal | undefined, work: (opened: Opened) => Promise<T>): Promise<T> {
    const { readOnly, keyspace } = this.#options;
    if (!readOnly) return this.#lifecycle.call(signal, work);
    return Promise.reject(new TaskError("UNSUPPORTED", `the keyspace "${keyspace}" is open read-only`));
  }

  async #connect(): Promise<Opened> {
    const options = resolveLedgerOptions(this.#options);
    const { session, settings, diagnose, close } = await connect(driverOptions(this.#options), options);
    try {
      const ledger = new Ledger({ session, settings, options, runtime: processRuntime });
      await ledger.open();
      const claims = new CassandraClaims(session, processRuntime, ledger.clock, {
        policy: options.policy,
        tolerance: toMilliseconds(2n * options.clock.limit),
        versionOf: async (key, signal) => (await ledger.find([key], signal))[0]?.savedAt,
      });
      const lists = new ListNames(session, processRuntime, options.policy);
      return { ledger, claims, lists, diagnose, close };
    } catch (error) {
      await close();
      throw error;
    }
  }
}

async function disconnect({ ledger, close }: Opened, idle: Promise<void>): Promise<void> {
  await ledger.close(idle);
  await close();
}

/** Maximum number of lists that `diagnose` checks for being swept. */
const LISTS_LOOKED_AT = 100;

/** The options that are passed to the driver. */
function driverOptions(options: CassandraAdapterOptions): CassandraConnectionOptions {
  const others = Object.entries(options).filter(([name]) => !ledgerOptionNames.has(name));
  return Object.fromEntries(others) as unknown as CassandraConnectionOptions;
}
