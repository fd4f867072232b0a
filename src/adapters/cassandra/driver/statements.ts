import { CLAIM_MEMORY } from "../../../adapter/claim-store.js";
import type { Version } from "../../../core/version.js";
import type { Partition } from "../model/partition.js";
import type { Mutation } from "../model/session.js";

/** How long the record of a sweep is kept, in seconds: longer than the tombstones that it records. */
const SWEEP_TTL = 20 * 24 * 3600;

/** How long a claim is kept, and what remains of it after its task was completed, in seconds. */
const CLAIM_TTL = CLAIM_MEMORY / 1000;
const COMPLETED_TTL = 24 * 3600;

/** The CQL of everything that is read and written in a keyspace that is open. */
export function statementsFor(keyspace: string) {
  const tasks = `"${keyspace}".tasks`;
  const ledger = `"${keyspace}".open_tasks`;
  const sweeps = `"${keyspace}".sweeps`;
  const claims = `"${keyspace}".claims`;
  const lists = `"${keyspace}".lists`;
  const partition = "task_list = ? AND shard = ?";
  const readClaims = `SELECT id, saved_at, owner, fencing_token, attempt, ends_at FROM ${claims} WHERE task_list = ?`;
  const setClaim = (ttl: number, set: string) =>
    `UPDATE ${claims} USING TTL ${ttl} SET ${set} WHERE task_list = ? AND id = ?`;
  const ifHeld = "IF fencing_token = ? AND owner != null";
  return {
    putTask: `INSERT INTO ${tasks} (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?`,
    putEntry: `INSERT INTO ${ledger} (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?`,
    deleteTask: `DELETE FROM ${tasks} USING TIMESTAMP ? WHERE ${partition} AND id = ?`,
    deleteEntry: `DELETE FROM ${ledger} USING TIMESTAMP ? WHERE ${partition} AND saved_at = ? AND id = ?`,
    deleteEntries: `DELETE FROM ${ledger} USING TIMESTAMP ? WHERE ${partition} AND saved_at > ? AND saved_at < ?`,
    readTask: `SELECT id, body, WRITETIME(body) AS saved_at FROM ${tasks} WHERE ${partition} AND id = ?`,
    readTasks: `SELECT id, body, WRITETIME(body) AS saved_at FROM ${tasks} WHERE ${partition} AND id IN ?`,
    readVersions: `SELECT id, WRITETIME(body) AS saved_at FROM ${tasks} WHERE ${partition} AND id IN ?`,
    readEntries:
      `SELECT saved_at, id, size FROM ${ledger} WHERE ${partition} ` +
      "AND (saved_at, id) > (?, ?) AND (saved_at) <= (?) LIMIT ?",
    readLastEntry: `SELECT saved_at, id FROM ${ledger} WHERE ${partition} AND saved_at > ? ORDER BY saved_at DESC LIMIT 1`,
    readEntry: `SELECT saved_at, id FROM ${ledger} WHERE ${partition} AND saved_at = ? AND id = ?`,
    putSweep:
      `INSERT INTO ${sweeps} (task_list, shard, swept_to, ranges) VALUES (?, ?, ?, ?) ` +
      `USING TIMESTAMP ? AND TTL ${SWEEP_TTL}`,
    readSweep: `SELECT swept_to, ranges FROM ${sweeps} WHERE ${partition}`,
    readClock: "SELECT toUnixTimestamp(now()) AS now FROM system.local",
    // A claim ends at `ends_at`, judged by the rule that all clients share. Cassandra's own TTL, which depends on the clocks of
    // coordinators and replicas, only removes old claims.
    readClaim: `${readClaims} AND id = ?`,
    readClaims: `${readClaims} AND id IN ?`,
    replaceClaim:
      `${setClaim(CLAIM_TTL, "saved_at = ?, owner = ?, fencing_token = ?, attempt = ?, ends_at = ?")} ` +
      "IF fencing_token = ? AND ends_at = ?",
    // A late renewal must not shorten the lease.
    renewClaim: `${setClaim(CLAIM_TTL, "ends_at = ?")} ${ifHeld} AND ends_at < ?`,
    releaseClaim: `${setClaim(CLAIM_TTL, "owner = null, ends_at = ?")} ${ifHeld}`,
    forgetClaim: `${setClaim(COMPLETED_TTL, "owner = null, fencing_token = ?, attempt = 0, ends_at = ?")} ${ifHeld}`,
    noteList: `INSERT INTO ${lists} (bucket, task_list, noted_at) VALUES (?, ?, ?) USING TIMESTAMP ?`,
    readLists: `SELECT task_list, noted_at FROM ${lists} WHERE bucket = ? AND task_list > ? LIMIT ?`,
    forgetList: `DELETE FROM ${lists} USING TIMESTAMP ? WHERE bucket = ? AND task_list = ?`,
  };
}

export type Statements = ReturnType<typeof statementsFor>;

/** A statement and its parameters. */
export interface Query {
  readonly query: string;
  readonly params: unknown[];
}

/**
 * A bigint as CQL encodes it: eight bytes, the highest first. The driver sends Buffers as they are, whatever the column's
 * type; clients differ in how they encode a bigint.
 */
export function encodeVersion(version: Version): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(version);
  return bytes;
}

/** From a bigint, or the driver's Long. */
export function toVersion(value: unknown): Version {
  return typeof value === "bigint" ? value : BigInt(String(value));
}

export function toQuery(statements: Statements, { taskList, shard }: Partition, mutation: Mutation): Query {
  const query = (text: string, ...params: unknown[]): Query => ({ query: text, params });
  const at = encodeVersion("at" in mutation ? mutation.at : mutation.savedAt);
  switch (mutation.kind) {
    case "put-task": {
      const { buffer, byteOffset, byteLength } = mutation.body;
      const body = Buffer.from(buffer, byteOffset, byteLength); // the driver accepts no other bytes
      return query(statements.putTask, taskList, shard, mutation.id, body, at);
    }
    case "put-entry":
      return query(statements.putEntry, taskList, shard, at, mutation.id, mutation.size, at);
    case "delete-task":
      return query(statements.deleteTask, at, taskList, shard, mutation.id);
    case "delete-entry":
      return query(statements.deleteEntry, at, taskList, shard, encodeVersion(mutation.savedAt), mutation.id);
    case "delete-entries": {
      const ends = [mutation.after, mutation.before].map(encodeVersion);
      return query(statements.deleteEntries, at, taskList, shard, ...ends);
    }
    case "put-sweep": {
      const ends = mutation.ranges.flatMap(({ after, before }) => [encodeVersion(after), encodeVersion(before)]);
      return query(statements.putSweep, taskList, shard, at, ends, at);
    }
  }
}
