import type { Version } from "../../../core/version.js";

/** A list that somebody has saved to, and when that was noted last. */
export interface NotedList {
  readonly name: string;
  readonly notedAt: Version;
}

/** What naming lists asks of Cassandra: one attempt at each call, within `timeout` milliseconds. Failures are SessionErrors. */
export interface ListSession {
  /** The number of partitions that the names are spread over. */
  readonly buckets: number;
  /** Written at `at`, the present time. */
  noteList(name: string, at: Version, timeout: number): Promise<void>;
  /** The names of a bucket behind one, in order, at most so many. */
  readLists(bucket: number, after: string, limit: number, timeout: number): Promise<readonly NotedList[]>;
  /** Takes away what was noted at `at` or before. */
  forgetList(name: string, at: Version, timeout: number): Promise<void>;
}
