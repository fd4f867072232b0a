import type { Client, ClientOptions, policies, QueryOptions, types } from "cassandra-driver";
import type { StoredTask } from "../../../adapter/adapter.js";
import type { Version } from "../../../core/version.js";
import type { Partition } from "../model/partition.js";
import {
  type EntriesRead,
  type EntryRange,
  type LedgerPlace,
  type LedgerSession,
  type Mutation,
  SessionError,
  type SweepRecord,
} from "../model/session.js";
import { callDriver } from "./call.js";
import { type Driver, mayBeTombstones } from "./errors.js";
import { encodeVersion, toQuery } from "./parameters.js";
import { PartitionTokens } from "./routing.js";
import { type Statements, statementsFor } from "./statements.js";

/** The rows of all pages of a result, and the servers' warnings. */
interface Result {
  readonly rows: types.Row[];
  readonly warnings: readonly string[];
}

/** The ledger's session on cassandra-driver: prepared statements, one attempt per call, errors classified. */
export class DriverSession implements LedgerSession {
  readonly #client: Client;
  readonly #driver: Driver;
  readonly #statements: Statements;
  readonly #tokens: PartitionTokens;
  readonly #options: QueryOptions;
  readonly #speculationDelay: number;

  constructor(client: Client, driver: Driver, keyspace: string, consistency: types.consistencies) {
    this.#client = client;
    this.#driver = driver;
    this.#statements = statementsFor(keyspace);
    this.#tokens = new PartitionTokens(client, driver);
    // The adapter does the retries; the driver must make none.
    const retry = new driver.policies.retry.FallthroughRetryPolicy();
    this.#options = { prepare: true, consistency, isIdempotent: true, autoPage: false, logged: true, retry, keyspace };
    this.#speculationDelay = speculationDelay(client, driver);
  }

  async apply(partition: Partition, mutations: readonly Mutation[], timeout: number): Promise<void> {
    const start = performance.now();
    // The error is from one coordinator. Another, which was asked before and hangs, may still apply it.
    const mayApply = (reached: boolean) => reached || performance.now() - start >= this.#speculationDelay;
    const queries = mutations.map((mutation) => toQuery(this.#statements, partition, mutation));
    const options = this.#optionsFor(timeout, partition);
    await callDriver(this.#driver, { timeout, mayApply }, () => this.#client.batch(queries, options));
  }

  async readTasks(
    partition: Partition,
    ids: readonly string[],
    timeout: number,
    withoutBodies = false,
  ): Promise<readonly StoredTask[]> {
    if (ids.length === 0) return [];
    const { readTask, readTasks, readVersions } = this.#statements;
    if (withoutBodies) {
      const { rows } = await this.#read(readVersions, partition, [ids], timeout);
      return rows.flatMap(({ id, saved_at }) =>
        saved_at === null ? [] : [{ id, savedAt: toVersion(saved_at), body: new Uint8Array() }],
      );
    }
    const [query, which] = ids.length === 1 ? [readTask, ids[0]] : [readTasks, ids];
    const { rows } = await this.#read(query, partition, [which], timeout);
    return rows.flatMap(({ id, body, saved_at }) =>
      // A row without a body was not written by a client of the ledger.
      body === null ? [] : [{ id, savedAt: toVersion(saved_at), body }],
    );
  }

  async readEntries(partition: Partition, range: EntryRange, timeout: number): Promise<EntriesRead> {
    const { after, upTo, limit } = range;
    const values = [encodeVersion(after.savedAt), after.id, encodeVersion(upTo), limit];
    try {
      const { rows, warnings } = await this.#read(this.#statements.readEntries, partition, values, timeout);
      const entries = rows.map(({ saved_at, id, size }) => ({ savedAt: toVersion(saved_at), id, size: size ?? 0 }));
      return { entries, isHeavy: warnings.some((warning) => warning.includes("tombstone")) };
    } catch (error) {
      const { message, cause } = error as SessionError;
      throw mayBeTombstones(cause, this.#driver) ? new SessionError("tombstones", false, message, cause) : error;
    }
  }

  async readLastEntry(partition: Partition, after: Version, timeout: number): Promise<LedgerPlace | undefined> {
    const values = [encodeVersion(after)];
    const [row] = (await this.#read(this.#statements.readLastEntry, partition, values, timeout)).rows;
    return row && { savedAt: toVersion(row.saved_at), id: row.id };
  }

  async hasEntry(partition: Partition, { savedAt, id }: LedgerPlace, timeout: number): Promise<boolean> {
    const values = [encodeVersion(savedAt), id];
    return (await this.#read(this.#statements.readEntry, partition, values, timeout)).rows.length > 0;
  }

  async readSweep(partition: Partition, timeout: number): Promise<SweepRecord | undefined> {
    const [row] = (await this.#read(this.#statements.readSweep, partition, [], timeout)).rows;
    if (!row) return undefined;
    const ends = ((row.ranges as unknown[] | null) ?? []).map(toVersion);
    const ranges = Array.from({ length: ends.length >> 1 }, (_, i) => ({
      after: ends[2 * i] as Version,
      before: ends[2 * i + 1] as Version,
    }));
    return { sweptTo: toVersion(row.swept_to), ranges };
  }

  async readClock(timeout: number): Promise<Version> {
    const [row] = (await this.#readAll(this.#statements.readClock, [], this.#optionsFor(timeout))).rows;
    return toVersion(row?.now) * 1000n;
  }

  #optionsFor(readTimeout: number, partition?: Partition): QueryOptions & { readonly readTimeout: number } {
    return { ...this.#options, readTimeout, routingKey: partition && this.#tokens.of(partition) } as never;
  }

  #read(query: string, partition: Partition, values: readonly unknown[], timeout: number): Promise<Result> {
    const { taskList, shard } = partition;
    return this.#readAll(query, [taskList, shard, ...values], this.#optionsFor(timeout, partition));
  }

  /** The server may split a result into pages, and leave some empty, whatever page size was asked for. */
  async #readAll(query: string, params: unknown[], options: QueryOptions & { readTimeout: number }): Promise<Result> {
    const end = performance.now() + options.readTimeout;
    const rows: types.Row[] = [];
    const warnings: string[] = [];
    let pageState: string | undefined;
    do {
      const timeout = Math.ceil(Math.max(1, end - performance.now()));
      const pageOptions = pageState ? { ...options, readTimeout: timeout, pageState } : options;
      const page = await callDriver(this.#driver, { timeout }, () => this.#client.execute(query, params, pageOptions));
      for (const row of page.rows) rows.push(row);
      warnings.push(...(page.info.warnings ?? []));
      pageState = page.pageState ?? undefined;
    } while (pageState);
    return { rows, warnings };
  }
}

/** After how many milliseconds the client may ask a second coordinator; at once with a policy that is not the driver's. */
function speculationDelay(client: Client, { policies }: Driver): number {
  const { NoSpeculativeExecutionPolicy, ConstantSpeculativeExecutionPolicy } = policies.speculativeExecution;
  const { options } = client as unknown as { options?: ClientOptions };
  const policy: policies.speculativeExecution.SpeculativeExecutionPolicy | undefined =
    options?.policies?.speculativeExecution;
  if (policy instanceof NoSpeculativeExecutionPolicy) return Infinity;
  return policy instanceof ConstantSpeculativeExecutionPolicy ? policy.newPlan("", "").nextExecution() : 0;
}

/** From a bigint, or the driver's Long. */
export function toVersion(value: unknown): Version {
  return typeof value === "bigint" ? value : BigInt(String(value));
}
