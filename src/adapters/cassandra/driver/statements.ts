import type { Version } from "../../../core/version.js";
import type { Partition } from "../model/partition.js";
import type { Mutation } from "../model/session.js";

/** How long the record of a sweep is kept, in seconds: longer than the tombstones that it records. */
const SWEEP_TTL = 20 * 24 * 3600;

/** The CQL of everything that is read and written in a ledger, for the tables of one keyspace. */
export function statementsFor(keyspace: string) {
  const tasks = `"${keyspace}".tasks`;
  const ledger = `"${keyspace}".open_tasks`;
  const sweeps = `"${keyspace}".sweeps`;
  const partition = "task_list = ? AND shard = ?";
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
  const at = encodeVersion("at" in mutation ? mutation.at : mutation.savedAt);
  switch (mutation.kind) {
    case "put-task": {
      const { id, body } = mutation;
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength); // the driver accepts no other bytes
      return { query: statements.putTask, params: [taskList, shard, id, bytes, at] };
    }
    case "put-entry":
      return { query: statements.putEntry, params: [taskList, shard, at, mutation.id, mutation.size, at] };
    case "delete-task":
      return { query: statements.deleteTask, params: [at, taskList, shard, mutation.id] };
    case "delete-entry": {
      const savedAt = mutation.savedAt === mutation.at ? at : encodeVersion(mutation.savedAt);
      return { query: statements.deleteEntry, params: [at, taskList, shard, savedAt, mutation.id] };
    }
    case "delete-entries": {
      const ends = [mutation.after, mutation.before].map(encodeVersion);
      return { query: statements.deleteEntries, params: [at, taskList, shard, ...ends] };
    }
    case "put-sweep": {
      const ends = mutation.ranges.flatMap(({ after, before }) => [encodeVersion(after), encodeVersion(before)]);
      return { query: statements.putSweep, params: [taskList, shard, at, ends, at] };
    }
  }
}
