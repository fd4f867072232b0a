import type { Version } from "../../../core/version.js";

/** A list that tasks were saved to, and when this was last noted. */
export interface NotedList {
  readonly name: string;
  readonly notedAt: Version;
}

/** The queries for names of lists: each call is one attempt, within `timeout` milliseconds. Failures are SessionErrors. */
export interface ListSession {
  /** The number of partitions that the names are spread over. */
  readonly buckets: number;
  /** Written at `at`, the present time. */
  noteList(name: string, at: Version, timeout: number): Promise<void>;
  /** The next names of a bucket after `after`, in order, at most `limit`. */
  readLists(bucket: number, after: string, limit: number, timeout: number): Promise<readonly NotedList[]>;
  /** Removes what was noted at `at` or before (inclusive). */
  forgetList(name: string, at: Version, timeout: number): Promise<void>;
}
