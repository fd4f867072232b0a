import type { Client, QueryOptions, types } from "cassandra-driver";
import type { Version } from "../../../core/version.js";
import type { ListSession, NotedList } from "../model/list-session.js";
import { shardOf } from "../model/partition.js";
import { callDriver } from "./call.js";
import type { Driver } from "./errors.js";
import { toVersion } from "./ledger-session.js";
import { encodeVersion } from "./parameters.js";

/** Number of partitions for the names. It must be the same for all clients. */
const BUCKETS = 16;

/** The session on cassandra-driver. */
export class DriverListSession implements ListSession {
  readonly buckets: number = BUCKETS;
  readonly #client: Client;
  readonly #driver: Driver;
  readonly #table: string;
  readonly #options: QueryOptions;

  constructor(client: Client, driver: Driver, keyspace: string, consistency: types.consistencies) {
    const retry = new driver.policies.retry.FallthroughRetryPolicy();
    this.#client = client;
    this.#driver = driver;
    this.#table = `"${keyspace}".lists`;
    this.#options = { prepare: true, consistency, isIdempotent: true, retry };
  }

  async noteList(name: string, at: Version, timeout: number): Promise<void> {
    const query = `INSERT INTO ${this.#table} (bucket, task_list, noted_at) VALUES (?, ?, ?) USING TIMESTAMP ?`;
    await this.#execute(query, [bucketOf(name), name, encodeVersion(at), encodeVersion(at)], timeout);
  }

  async readLists(bucket: number, after: string, limit: number, timeout: number): Promise<readonly NotedList[]> {
    const query = `SELECT task_list, noted_at FROM ${this.#table} WHERE bucket = ? AND task_list > ? LIMIT ?`;
    const { rows } = await this.#execute(query, [bucket, after, limit], timeout, limit);
    return rows.map(({ task_list, noted_at }) => ({ name: task_list, notedAt: toVersion(noted_at ?? 0) }));
  }

  async forgetList(name: string, at: Version, timeout: number): Promise<void> {
    const query = `DELETE FROM ${this.#table} USING TIMESTAMP ? WHERE bucket = ? AND task_list = ?`;
    await this.#execute(query, [encodeVersion(at), bucketOf(name), name], timeout);
  }

  #execute(query: string, params: unknown[], readTimeout: number, fetchSize = 1): Promise<types.ResultSet> {
    const options = { ...this.#options, readTimeout, fetchSize };
    return callDriver(this.#driver, { timeout: readTimeout }, () => this.#client.execute(query, params, options));
  }
}

function bucketOf(name: string): number {
  return shardOf(name, BUCKETS);
}
