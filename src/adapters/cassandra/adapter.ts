import type {
  Adapter,
  AllOptions,
  CompleteEntry,
  OperationOptions,
  Outcome,
  SaveEntry,
  StoredTask,
  WriteOptions,
} from "../../adapter/adapter.js";
import type { ClaimStore } from "../../adapter/claim-store.js";
import { abortWith, throwIfAborted, untilAborted } from "../../core/abort.js";
import { checkOptions } from "../../core/arguments.js";
import { TaskError } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import type { Version } from "../../core/version.js";
import { CallsUnderWay } from "./calls-under-way.js";
import type { CassandraClaims } from "./claims.js";
import {
  type CassandraConnectionOptions,
  type Connection,
  type CreateSchemaOptions,
  connect,
  createSchemaWith,
} from "./connection.js";
import { processHost } from "./host.js";
import { Ledger } from "./ledger.js";
import { type LedgerOptions, ledgerOptionNames, resolveLedgerOptions } from "./options.js";
import { checkKeyspaceName } from "./schema.js";
import type { SweepReport } from "./sweeper.js";

export type CassandraAdapterOptions = CassandraConnectionOptions & LedgerOptions;

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
  #opening: Promise<Ledger> | undefined;
  #opened: Ledger | undefined;
  #connection: Connection | undefined;
  #closing: Promise<void> | undefined;
  /** Aborted by `close`; ends what would go on for long. */
  readonly #closed = new AbortController();
  readonly #calls = new CallsUnderWay();
  readonly claims: ClaimStore = {
    claim: (request, options) => this.#claim(options, (claims, signal) => claims.claim(request, signal)),
    renew: (holding, lease, options) => this.#claim(options, (claims, signal) => claims.renew(holding, lease, signal)),
    release: (holding, retryIn, options) =>
      this.#claim(options, (claims, signal) => claims.release(holding, retryIn, signal)),
    forget: (holding, options) => this.#claim(options, (claims, signal) => claims.forget(holding, signal)),
    states: (keys, options) => this.#claim(options, (claims, signal) => claims.states(keys, signal)),
  };
  #claims: CassandraClaims | undefined;

  /** Connects only when it is first used, or opened. Throws INVALID_ARGUMENT. */
  constructor(options: CassandraAdapterOptions) {
    checkOptions(options);
    checkKeyspaceName(options.keyspace);
    resolveLedgerOptions(options);
    this.#options = options;
  }

  /**
   * Makes the keyspace, its tables and its settings, as far as they are not there; changes nothing that is. All nodes of the
   * data centre have them when it resolves.
   *
   * @throws {@link TaskError} SCHEMA_MISMATCH where what is there differs from what is asked for, INVALID_ARGUMENT,
   * MISSING_DRIVER, UNAVAILABLE, and after its `deadline` TIMEOUT: calling it again is safe.
   */
  static async createSchema(options: CreateSchemaOptions): Promise<void> {
    await createSchemaWith(options);
  }

  open({ signal }: OperationOptions = {}): Promise<void> {
    return this.#call(signal, async () => undefined);
  }

  save(entries: readonly SaveEntry[], options: WriteOptions = {}): Promise<readonly Outcome<Version>[]> {
    return this.#call(options.signal, (ledger) => ledger.save(entries, options));
  }

  find(keys: readonly TaskKey[], { signal }: OperationOptions = {}): Promise<readonly (StoredTask | undefined)[]> {
    return this.#call(signal, (ledger) => ledger.find(keys, signal));
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    const ledger = await this.#ledger(options.signal);
    const pass = new AbortController();
    const releases = [options.signal, this.#closed.signal].map((signal) => abortWith(pass, signal));
    try {
      yield* ledger.all(taskList, { ...options, signal: pass.signal });
    } catch (error) {
      if (!this.#closed.signal.aborted) throw error;
    } finally {
      for (const release of releases) release();
    }
    if (this.#closed.signal.aborted) throw closedError();
  }

  complete(entries: readonly CompleteEntry[], options: WriteOptions = {}): Promise<readonly Outcome<void>[]> {
    return this.#call(options.signal, (ledger) => ledger.complete(entries, options));
  }

  /**
   * Covers what is completed in a list with one tombstone a stretch, so that reading it stays cheap. It happens by itself
   * (`sweepEvery`); this is for those who want to choose the time. Throws CLOCK_SKEW, and what the store throws.
   */
  sweep(taskList: string, { signal }: OperationOptions = {}): Promise<SweepReport> {
    return this.#call(signal, (ledger) => ledger.sweep(taskList, signal));
  }

  /**
   * Waits for what is under way, and shuts down the adapter's own client, so that the process can end; a client of the user's
   * is left open. Idempotent.
   */
  close(): Promise<void> {
    this.#closed.abort();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#calls.ended();
    await (await this.#opening?.catch(() => undefined))?.close();
    await this.#connection?.close();
  }

  /** Opens the ledger, if it is not open, and calls it; `close` waits for it. */
  #call<T>(signal: AbortSignal | undefined, work: (ledger: Ledger) => Promise<T>): Promise<T> {
    this.#calls.begin();
    // Whatever else a signal is, `#ledger` refuses it.
    const isOpen = this.#opened && !this.#closed.signal.aborted && (signal === undefined || signal.aborted === false);
    const result = isOpen ? startAt(this.#opened as Ledger, work) : this.#ledger(signal).then(work);
    return result.then(this.#ended as (value: T) => T, this.#failed);
  }

  // What `finally` does, without making functions for each call.
  readonly #ended = (value: unknown) => {
    this.#calls.end();
    return value;
  };
  readonly #failed = (error: unknown) => {
    this.#calls.end();
    throw error;
  };

  #claim<T>(
    { signal }: OperationOptions = {},
    work: (claims: CassandraClaims, signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    return this.#call(signal, () => work(this.#claims as CassandraClaims, signal));
  }

  async #ledger(signal: AbortSignal | undefined): Promise<Ledger> {
    if (this.#closed.signal.aborted) throw closedError();
    throwIfAborted(signal);
    if (this.#opened) return this.#opened;
    // A failed attempt does not stand in the way of the next.
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    this.#opened = await untilAborted(this.#opening, signal);
    return this.#opened;
  }

  async #open(): Promise<Ledger> {
    const connection = await connect(driverOptions(this.#options), resolveLedgerOptions(this.#options));
    try {
      const ledger = new Ledger(connection.session, connection.settings, processHost, this.#options);
      await ledger.open();
      this.#claims = ledger.claims(connection.claims);
      this.#connection = connection;
      return ledger;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }
}

/** What is the driver's of the options. */
function driverOptions(options: CassandraAdapterOptions): CassandraConnectionOptions {
  const others = Object.entries(options).filter(([name]) => !ledgerOptionNames.has(name));
  return Object.fromEntries(others) as unknown as CassandraConnectionOptions;
}

/** Throws nothing: an error is the promise's. */
function startAt<T>(ledger: Ledger, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  try {
    return work(ledger);
  } catch (error) {
    return Promise.reject(error);
  }
}

function closedError(): TaskError {
  return new TaskError("CLOSED", "the adapter has been closed");
}
