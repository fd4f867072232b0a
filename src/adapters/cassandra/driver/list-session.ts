import type { Version } from "../../../core/version.js";
import { shardOf } from "../model/partition.js";
import type { ListSession, NotedList } from "../model/session.js";
import type { Caller } from "./caller.js";
import { encodeVersion, toVersion } from "./statements.js";

/** Number of partitions for the names. It must be the same for all clients. */
const BUCKETS = 16;

/** The session for names of lists on cassandra-driver. */
export class DriverListSession implements ListSession {
  readonly buckets: number = BUCKETS;
  readonly #caller: Caller;
  readonly #table: string;

  constructor(caller: Caller) {
    this.#caller = caller;
    this.#table = `"${caller.keyspace}".lists`;
  }

  async noteList(name: string, at: Version, timeout: number): Promise<void> {
    const insert = `INSERT INTO ${this.#table} (bucket, task_list, noted_at) VALUES (?, ?, ?) USING TIMESTAMP ?`;
    await this.#caller.write(insert, [bucketOf(name), name, encodeVersion(at), encodeVersion(at)], timeout);
  }

  async readLists(bucket: number, after: string, limit: number, timeout: number): Promise<readonly NotedList[]> {
    const select = `SELECT task_list, noted_at FROM ${this.#table} WHERE bucket = ? AND task_list > ? LIMIT ?`;
    const { rows } = await this.#caller.read(select, [bucket, after, limit], timeout);
    return rows.map(({ task_list, noted_at }) => ({ name: task_list, notedAt: toVersion(noted_at ?? 0) }));
  }

  async forgetList(name: string, at: Version, timeout: number): Promise<void> {
    const deletion = `DELETE FROM ${this.#table} USING TIMESTAMP ? WHERE bucket = ? AND task_list = ?`;
    await this.#caller.write(deletion, [encodeVersion(at), bucketOf(name), name], timeout);
  }
}

function bucketOf(name: string): number {
  return shardOf(name, BUCKETS);
}
