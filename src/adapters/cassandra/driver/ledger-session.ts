import type { Client, policies } from "cassandra-driver";
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
import type { Caller, Result } from "./caller.js";
import { type Driver, mayBeTombstones } from "./errors.js";
import { internalsOf } from "./internals.js";
import { encodeVersion, type Statements, statementsFor, toQuery, toVersion } from "./statements.js";

/** The ledger's session on cassandra-driver. */
export class DriverSession implements LedgerSession {
  readonly #caller: Caller;
  readonly #statements: Statements;
  readonly #speculationDelay: number;

  constructor(caller: Caller) {
    this.#caller = caller;
    this.#statements = statementsFor(caller.keyspace);
    this.#speculationDelay = speculationDelay(caller.client, caller.driver);
  }

  async apply(partition: Partition, mutations: readonly Mutation[], timeout: number): Promise<void> {
    const start = performance.now();
    // The error is from one coordinator. Another, which was asked before and hangs, may still apply it.
    const mayApply = (reached: boolean) => reached || performance.now() - start >= this.#speculationDelay;
    const queries = mutations.map((mutation) => toQuery(this.#statements, partition, mutation));
    await this.#caller.call({ timeout, mayApply }, (options) => this.#caller.client.batch(queries, options));
  }

  async readTasks(
    partition: Partition,
    ids: readonly string[],
    timeout: number,
    withoutBodies = false,
  ): Promise<readonly StoredTask[]> {
    const { readTask, readTasks, readVersions } = this.#statements;
    const query = withoutBodies ? readVersions : ids.length === 1 ? readTask : readTasks;
    const { rows } = await this.#read(query, partition, [query === readTask ? ids[0] : ids], timeout);
    return rows.flatMap(({ id, body = new Uint8Array(), saved_at }) =>
      // A row without a body was not written by a client of the ledger.
      saved_at === null ? [] : [{ id, savedAt: toVersion(saved_at), body }],
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
      throw mayBeTombstones(cause, this.#caller.driver) ? new SessionError("tombstones", false, message, cause) : error;
    }
  }

  async readLastEntry(partition: Partition, after: Version, timeout: number): Promise<LedgerPlace | undefined> {
    const values = [encodeVersion(after)];
    const { rows } = await this.#read(this.#statements.readLastEntry, partition, values, timeout);
    return rows[0] && { savedAt: toVersion(rows[0].saved_at), id: rows[0].id };
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
    const { rows } = await this.#caller.read(this.#statements.readClock, [], timeout);
    return toVersion(rows[0]?.now) * 1000n;
  }

  #read(query: string, partition: Partition, values: readonly unknown[], timeout: number): Promise<Result> {
    const { taskList, shard } = partition;
    return this.#caller.read(query, [taskList, shard, ...values], timeout);
  }
}

/** After how many milliseconds the client may ask a second coordinator; at once with a policy that is not the driver's. */
function speculationDelay(client: Client, { policies }: Driver): number {
  const { NoSpeculativeExecutionPolicy, ConstantSpeculativeExecutionPolicy } = policies.speculativeExecution;
  const { options } = internalsOf(client);
  const policy: policies.speculativeExecution.SpeculativeExecutionPolicy | undefined =
    options?.policies?.speculativeExecution;
  if (policy instanceof NoSpeculativeExecutionPolicy) return Infinity;
  return policy instanceof ConstantSpeculativeExecutionPolicy ? policy.newPlan("", "").nextExecution() : 0;
}
