import type { Version } from "../../../core/version.js";
import type { Partition } from "../model/partition.js";
import type { Mutation } from "../model/session.js";
import type { Statements } from "./statements.js";

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
