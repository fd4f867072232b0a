import { throwIfAborted, untilAborted } from "../../abort.js";
import type { Adapter, AllOptions, CompleteEntry, OperationOptions, Outcome, SaveEntry } from "../../adapter.js";
import { TaskError } from "../../errors.js";
import type { TaskKey } from "../../keys.js";
import type { Version } from "../../version.js";
import {
  type CassandraConnectionOptions,
  type Connection,
  type CreateSchemaOptions,
  connect,
  createSchemaWith,
} from "./connection.js";
import { processHost } from "./host.js";
import { Ledger, type LedgerOptions } from "./ledger.js";
import { checkKeyspaceName } from "./schema.js";

export type CassandraAdapterOptions = CassandraConnectionOptions & LedgerOptions;

/**
 * Keeps tasks in Cassandra.
 *
 *     await CassandraAdapter.createSchema({ contactPoints, localDataCenter: "dc1", keyspace: "tasks",
 *       replication: { class: "NetworkTopologyStrategy", dc1: 3 } });               // once
 *     const adapter = new CassandraAdapter({ contactPoints, localDataCenter: "dc1", keyspace: "tasks" });
 */
export class CassandraAdapter implements Adapter {
  readonly #options: CassandraAdapterOptions;
  #opening: Promise<Ledger> | undefined;
  #connection: Connection | undefined;
  #closing: Promise<void> | undefined;

  /** Connects only when it is first used, or opened. */
  constructor(options: CassandraAdapterOptions) {
    checkKeyspaceName(options.keyspace);
    this.#options = options;
  }

  /**
   * Makes the keyspace, its tables and its settings, as far as they are not there; changes nothing that is. Throws
   * SCHEMA_MISMATCH where what is there differs from what is asked for.
   */
  static async createSchema(options: CreateSchemaOptions): Promise<void> {
    await createSchemaWith(options);
  }

  async open({ signal }: OperationOptions = {}): Promise<void> {
    await this.#ledger(signal);
  }

  async save(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<Version>[]> {
    const ledger = await this.#ledger(signal);
    return ledger.save(entries, signal);
  }

  async find(
    keys: readonly TaskKey[],
    { signal }: OperationOptions = {},
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const ledger = await this.#ledger(signal);
    return ledger.find(keys, signal);
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    const ledger = await this.#ledger(options.signal);
    try {
      for await (const page of ledger.all(taskList, options)) {
        yield page;
        if (this.#closing) break;
      }
    } catch (error) {
      if (!this.#closing) throw error;
    }
    if (this.#closing) throw closed();
  }

  async complete(
    entries: readonly CompleteEntry[],
    { signal }: OperationOptions = {},
  ): Promise<readonly Outcome<void>[]> {
    const ledger = await this.#ledger(signal);
    return ledger.complete(entries, signal);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await (await this.#opening)?.idle();
    } catch {
      // It never came to be open.
    }
    await this.#connection?.close();
  }

  async #ledger(signal: AbortSignal | undefined): Promise<Ledger> {
    if (this.#closing) throw closed();
    throwIfAborted(signal);
    // A failed attempt does not stand in the way of the next.
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return untilAborted(this.#opening, signal);
  }

  async #open(): Promise<Ledger> {
    this.#connection = await connect(driverOptions(this.#options));
    const { session, settings } = this.#connection;
    return new Ledger(session, settings, processHost, this.#options);
  }
}

/** What is the driver's of the options. */
function driverOptions(options: CassandraAdapterOptions): CassandraConnectionOptions {
  const { deadline, attemptTimeout, margin, maxBatchTasks, maxBatchBytes, ...rest } = options;
  return rest as CassandraConnectionOptions;
}

function closed(): TaskError {
  return new TaskError("CLOSED", "the adapter has been closed");
}
