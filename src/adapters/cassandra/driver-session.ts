import type { Client, ClientOptions, policies, QueryOptions, types } from "cassandra-driver";
import type { StoredTask } from "../../adapter/adapter.js";
import type { Version } from "../../core/version.js";
import { shapeOfBatch } from "./batch-shape.js";
import { callDriver } from "./driver-call.js";
import { type Driver, mayBeTombstones } from "./driver-errors.js";
import { encodeVersion, MutationEncoder } from "./parameters.js";
import { PartitionTokens } from "./routing.js";
import type { LedgerPlace } from "./rules.js";
import { type EntriesRead, type EntryRange, type LedgerSession, type Mutation, SessionError } from "./session.js";
import type { Partition } from "./shard.js";
import { type PreparedBatch, PreparedBatches, type Statements, statementsFor } from "./statements.js";
import type { Sweep } from "./stretches.js";

type Result = { readonly rows: types.Row[]; readonly warnings: string[] };

type DriverOptions = QueryOptions & { readonly readTimeout: number };

/** Every statement has its own; the driver need not make one. */
const NO_TIMESTAMP = null;

/** The session on cassandra-driver: prepared statements, one attempt a call, its errors sorted by what they mean. */
export class DriverSession implements LedgerSession {
  readonly #client: Client;
  readonly #driver: Driver;
  readonly #keyspace: string;
  readonly #statements: Statements;
  readonly #batches: PreparedBatches;
  readonly #tokens: PartitionTokens;
  readonly #consistency: types.consistencies;
  readonly #retry: policies.retry.RetryPolicy;
  readonly #speculationDelay: number;

  constructor(client: Client, driver: Driver, keyspace: string, consistency: types.consistencies) {
    this.#client = client;
    this.#driver = driver;
    this.#keyspace = keyspace;
    this.#statements = statementsFor(keyspace);
    this.#batches = new PreparedBatches(this.#statements);
    this.#tokens = new PartitionTokens(client, driver);
    this.#consistency = consistency;
    // Attempts are counted by the adapter; the driver must not make more of its own.
    this.#retry = new driver.policies.retry.FallthroughRetryPolicy();
    this.#speculationDelay = speculationDelay(client, driver);
  }

  apply(partition: Partition, mutations: readonly Mutation[], timeout: number): Promise<void> {
    const start = performance.now();
    // The error is one coordinator's. Another, that was asked before and hangs, may yet do it.
    const mayApply = (reached: boolean) => reached || performance.now() - start >= this.#speculationDelay;
    const options = this.#optionsOf(timeout, partition);
    const send = () => this.#sendBatch(partition, mutations, options);
    return callDriver(this.#driver, { timeout, mayApply }, send) as Promise<unknown> as Promise<void>;
  }

  #sendBatch(partition: Partition, mutations: readonly Mutation[], options: DriverOptions): Promise<unknown> {
    const encoder = new MutationEncoder(this.#statements, partition);
    const prepared = this.#batches.of(shapeOfBatch(mutations));
    const sendPrepared = () => this.#client.execute(prepared?.text as string, encoder.encodeAll(mutations), options);
    if (prepared?.isReady) return sendPrepared();
    const queries = mutations.map((mutation) => encoder.encode(mutation));
    return this.#client.batch(queries, options).then(() => {
      if (prepared) void prepareBy(sendPrepared, prepared);
    });
  }

  async readTasks(partition: Partition, ids: readonly string[], timeout: number): Promise<readonly StoredTask[]> {
    const { readTask, readTasks } = this.#statements;
    const { taskList, shard } = partition;
    const options = this.#optionsOf(timeout, partition);
    const [first] = ids;
    if (first === undefined) return [];
    if (ids.length === 1) {
      const { rows } = await this.#read(readTask, [taskList, shard, first], options);
      return rows.flatMap((row) => storedTask(first, row));
    }
    const { rows } = await this.#read(readTasks, [taskList, shard, ids], options);
    return rows.flatMap((row) => storedTask(row.id, row));
  }

  async readEntries(partition: Partition, range: EntryRange, timeout: number): Promise<EntriesRead> {
    const { taskList, shard } = partition;
    const { after, upTo, limit } = range;
    const params = [taskList, shard, encodeVersion(after.savedAt), after.id, encodeVersion(upTo), limit];
    const { rows, warnings } = await this.#readRange(
      this.#statements.readEntries,
      params,
      this.#optionsOf(timeout, partition),
    );
    const entries = rows.map(({ saved_at, id, size }) => ({ savedAt: toVersion(saved_at), id, size: size ?? 0 }));
    return { entries, isHeavy: warnings.some((warning) => warning.includes("tombstone")) };
  }

  async readLastEntry(partition: Partition, after: Version, timeout: number): Promise<LedgerPlace | undefined> {
    const params = [partition.taskList, partition.shard, encodeVersion(after)];
    const options = this.#optionsOf(timeout, partition);
    const [row] = (await this.#read(this.#statements.readLastEntry, params, options)).rows;
    return row && toPlace(row);
  }

  async hasEntry(partition: Partition, { savedAt, id }: LedgerPlace, timeout: number): Promise<boolean> {
    const params = [partition.taskList, partition.shard, encodeVersion(savedAt), id];
    const { rows } = await this.#read(this.#statements.readEntry, params, this.#optionsOf(timeout, partition));
    return rows.length > 0;
  }

  async readSweep(partition: Partition, timeout: number): Promise<Sweep | undefined> {
    const { taskList, shard } = partition;
    const options = this.#optionsOf(timeout, partition);
    const [row] = (await this.#read(this.#statements.readSweep, [taskList, shard], options)).rows;
    if (!row) return undefined;
    const ends = ((row.stretches as unknown[] | null) ?? []).map(toVersion);
    const stretches = Array.from({ length: ends.length >> 1 }, (_, i) => ({
      after: ends[2 * i] as Version,
      before: ends[2 * i + 1] as Version,
    }));
    return { sweptTo: toVersion(row.swept_to), stretches };
  }

  async readClock(timeout: number): Promise<Version> {
    const [row] = (await this.#read(this.#statements.readClock, [], this.#optionsOf(timeout))).rows;
    return toVersion(row?.now) * 1000n;
  }

  /** All with the same properties in the same order, which the driver reads faster. */
  #optionsOf(readTimeout: number, partition?: Partition): DriverOptions {
    return {
      prepare: true,
      consistency: this.#consistency,
      isIdempotent: true,
      autoPage: false,
      logged: true,
      retry: this.#retry,
      readTimeout,
      keyspace: this.#keyspace,
      routingKey: partition && this.#tokens.of(partition),
      pageState: undefined,
      timestamp: NO_TIMESTAMP,
    } as unknown as DriverOptions;
  }

  async #readRange(query: string, params: unknown[], options: DriverOptions): Promise<Result> {
    try {
      return await this.#read(query, params, options);
    } catch (error) {
      const { message, cause } = error as SessionError;
      throw mayBeTombstones(cause, this.#driver) ? new SessionError("tombstones", false, message, cause) : error;
    }
  }

  /** All rows of a result; the server may cut it into pages, and leave some empty, whatever was asked for. */
  async #read(query: string, params: unknown[], options: DriverOptions): Promise<Result> {
    const end = performance.now() + options.readTimeout;
    const first = await this.#readPage(query, params, options);
    const { rows } = first;
    const warnings = first.info.warnings ?? [];
    for (let { pageState } = first; pageState; ) {
      const readTimeout = Math.ceil(Math.max(1, end - performance.now()));
      const page = await this.#readPage(query, params, { ...options, readTimeout, pageState });
      for (const row of page.rows) rows.push(row);
      warnings.push(...(page.info.warnings ?? []));
      pageState = page.pageState;
    }
    return { rows, warnings };
  }

  #readPage(query: string, params: unknown[], options: DriverOptions): Promise<types.ResultSet> {
    const { readTimeout: timeout } = options;
    return callDriver(this.#driver, { timeout }, () => this.#client.execute(query, params, options));
  }
}

/**
 * Has the driver prepare a batch, by writing once more what has just been written. It does so on all nodes, and waits
 * for each: nobody should wait with it for one that hangs.
 */
async function prepareBy(write: () => Promise<unknown>, batch: PreparedBatch): Promise<void> {
  if (batch.isPreparing) return;
  batch.isPreparing = true;
  try {
    await write();
    batch.isReady = true;
  } catch {
    // It is tried again with the next of its shape.
  } finally {
    batch.isPreparing = false;
  }
}

/** After how many milliseconds the client may ask a second coordinator; by a policy that is not the driver's, at once. */
function speculationDelay(client: Client, { policies }: Driver): number {
  const { NoSpeculativeExecutionPolicy, ConstantSpeculativeExecutionPolicy } = policies.speculativeExecution;
  const { options } = client as unknown as { options?: ClientOptions };
  const policy = options?.policies?.speculativeExecution;
  if (policy instanceof NoSpeculativeExecutionPolicy) return Infinity;
  return policy instanceof ConstantSpeculativeExecutionPolicy ? policy.newPlan("", "").nextExecution() : 0;
}

/** None if the row has no body: somebody else than a client of the ledger wrote it. */
function storedTask(id: string, { body, saved_at }: types.Row): StoredTask[] {
  return body === null ? [] : [{ id, savedAt: toVersion(saved_at), body }];
}

function toPlace(row: types.Row): LedgerPlace {
  return { savedAt: toVersion(row.saved_at), id: row.id as string };
}

/** A bigint, or the driver's Long. */
export function toVersion(value: unknown): Version {
  return typeof value === "bigint" ? value : BigInt(String(value));
}
