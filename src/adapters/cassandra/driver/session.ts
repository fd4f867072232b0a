import type { types } from "cassandra-driver";
import type { StoredTask } from "../../../adapter/adapter.js";
import { type ClaimHolding, type ClaimState, NEVER } from "../../../adapter/claim-store.js";
import type { TaskKey } from "../../../core/keys.js";
import type { Version } from "../../../core/version.js";
import { type Partition, shardOf } from "../model/partition.js";
import {
  type ClaimEnd,
  type ClaimRow,
  type ClaimSession,
  type EntriesRead,
  type EntryRange,
  type LedgerPlace,
  type LedgerSession,
  type ListSession,
  type Mutation,
  type NotedList,
  SessionError,
  type SweepRecord,
} from "../model/session.js";
import type { Caller } from "./caller.js";
import { mayBeTombstones } from "./errors.js";
import { encodeVersion, type Statements, statementsFor, toQuery, toVersion } from "./statements.js";

/** Number of partitions for the names of lists. It must be the same for all clients. */
const BUCKETS = 16;

/** All that the adapter needs of Cassandra, on cassandra-driver. */
export class DriverSession implements LedgerSession, ClaimSession, ListSession {
  readonly buckets: number = BUCKETS;
  readonly #caller: Caller;
  readonly #statements: Statements;

  constructor(caller: Caller) {
    this.#caller = caller;
    this.#statements = statementsFor(caller.keyspace);
  }

  async apply(partition: Partition, mutations: readonly Mutation[], timeout: number): Promise<void> {
    const queries = mutations.map((mutation) => toQuery(this.#statements, partition, mutation));
    await this.#caller.batch(queries, timeout);
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
      const { rows, info } = await this.#read(this.#statements.readEntries, partition, values, timeout);
      const entries = rows.map(({ saved_at, id, size }) => ({ savedAt: toVersion(saved_at), id, size: size ?? 0 }));
      return { entries, isHeavy: (info.warnings ?? []).some((warning) => warning.includes("tombstone")) };
    } catch (error) {
      const { message, cause } = error as SessionError;
      throw mayBeTombstones(cause, this.#caller.driver) ? new SessionError("tombstones", false, message, cause) : error;
    }
  }

  async readLastEntry(partition: Partition, after: Version, timeout: number): Promise<LedgerPlace | undefined> {
    const { rows } = await this.#read(this.#statements.readLastEntry, partition, [encodeVersion(after)], timeout);
    return rows[0] && { savedAt: toVersion(rows[0].saved_at), id: rows[0].id };
  }

  async hasEntry(partition: Partition, { savedAt, id }: LedgerPlace, timeout: number): Promise<boolean> {
    const { rows } = await this.#read(this.#statements.readEntry, partition, [encodeVersion(savedAt), id], timeout);
    return rows.length > 0;
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

  async readClaim({ taskList, id }: TaskKey, timeout: number): Promise<ClaimRow> {
    const { rows } = await this.#caller.read(this.#statements.readClaim, [taskList, id], timeout);
    return toClaimRow(rows[0] ?? {});
  }

  async readStates(
    taskList: string,
    ids: readonly string[],
    timeout: number,
  ): Promise<ReadonlyMap<string, ClaimState>> {
    const { rows } = await this.#caller.read(this.#statements.readClaims, [taskList, ids], timeout);
    const states = rows.map((row) => [row.id as string, toClaimRow(row).state] as const);
    return new Map(states.filter((each): each is [string, ClaimState] => each[1] !== undefined));
  }

  async replaceClaim(key: TaskKey, before: ClaimRow, after: ClaimState | undefined, timeout: number): Promise<boolean> {
    const values = after
      ? [after.savedAt, after.owner, after.token, after.attempt, BigInt(after.until)]
      : new Array(5).fill(null);
    const until = before.until === null ? null : BigInt(before.until);
    const params = [...values, key.taskList, key.id, before.token, until];
    return isApplied(await this.#transact(this.#statements.replaceClaim, params, timeout));
  }

  async renewClaim({ taskList, id, token }: ClaimHolding, until: number, timeout: number): Promise<number | undefined> {
    const params = [BigInt(until), taskList, id, token, BigInt(until)];
    const row = await this.#transact(this.#statements.renewClaim, params, timeout);
    if (isApplied(row)) return until;
    const isHeld = row?.owner != null && row.fencing_token != null && toVersion(row.fencing_token) === token;
    return isHeld ? Number(row.ends_at) : undefined;
  }

  async endClaim({ taskList, id, token }: ClaimHolding, end: ClaimEnd, timeout: number): Promise<void> {
    const { releaseClaim, forgetClaim } = this.#statements;
    if (end.kind === "release") await this.#transact(releaseClaim, [BigInt(end.until), taskList, id, token], timeout);
    else await this.#transact(forgetClaim, [token, BigInt(NEVER), taskList, id, token], timeout);
  }

  async noteList(name: string, at: Version, timeout: number): Promise<void> {
    const params = [bucketOf(name), name, encodeVersion(at), encodeVersion(at)];
    await this.#caller.write(this.#statements.noteList, params, timeout);
  }

  async readLists(bucket: number, after: string, limit: number, timeout: number): Promise<readonly NotedList[]> {
    const { rows } = await this.#caller.read(this.#statements.readLists, [bucket, after, limit], timeout);
    return rows.map(({ task_list, noted_at }) => ({ name: task_list, notedAt: toVersion(noted_at ?? 0) }));
  }

  async forgetList(name: string, at: Version, timeout: number): Promise<void> {
    await this.#caller.write(this.#statements.forgetList, [encodeVersion(at), bucketOf(name), name], timeout);
  }

  #read(
    query: string,
    { taskList, shard }: Partition,
    values: readonly unknown[],
    timeout: number,
  ): Promise<types.ResultSet> {
    return this.#caller.read(query, [taskList, shard, ...values], timeout);
  }

  /**
   * Resolves to what the server says of it. If the driver sent a transaction twice, the second would see the effect of the first,
   * and report that it was not applied. Nothing else writes to claims: a write outside a transaction could undo one.
   */
  async #transact(query: string, params: unknown[], timeout: number): Promise<types.Row | undefined> {
    const encoded = params.map((value) => (typeof value === "bigint" ? encodeVersion(value) : value));
    return (await this.#caller.write(query, encoded, timeout, { isIdempotent: false })).rows[0];
  }
}

function bucketOf(list: string): number {
  return shardOf(list, BUCKETS);
}

function isApplied(row: types.Row | undefined): boolean {
  return row?.["[applied]"] === true;
}

/** From the cells of a claim: those that have expired before others are null, and without a row there are none. */
function toClaimRow({ saved_at, owner, fencing_token, attempt, ends_at }: Partial<types.Row>): ClaimRow {
  const until = ends_at == null ? null : Number(ends_at);
  if (fencing_token == null) return { token: null, until, state: undefined };
  const token = toVersion(fencing_token);
  const savedAt = toVersion(saved_at ?? 0);
  return {
    token,
    until,
    state: { savedAt, owner: owner ?? undefined, token, attempt: attempt ?? 0, until: until ?? 0 },
  };
}
