import type { StoredTask } from "../../../adapter/adapter.js";
import type { ClaimHolding, ClaimState } from "../../../adapter/claim-store.js";
import type { TaskKey } from "../../../core/keys.js";
import type { Version } from "../../../core/version.js";
import type { Partition } from "./partition.js";

// What the adapter needs of a database. Each call of a session is one attempt, at the keyspace's consistency, within `timeout`
// milliseconds; failures are SessionErrors.

/** A place in a partition of the ledger. */
export interface LedgerPlace {
  readonly savedAt: Version;
  readonly id: string;
}

/** An entry of the ledger. */
export interface LedgerEntry extends LedgerPlace {
  /** The bytes of the version's body, so that pages can be planned; no rule depends on it. */
  readonly size: number;
}

/** A range of a partition's ledger in which every version is completed: those after `after` and before `before`. */
export interface SweptRange {
  readonly after: Version;
  readonly before: Version;
}

/** The record of the last sweep of a partition, so that readers can skip what it covered. */
export interface SweepRecord {
  readonly sweptTo: Version;
  /** In order; none overlaps another. */
  readonly ranges: readonly SweptRange[];
}

/** A change to one partition; each carries the timestamp that it is written at. */
export type Mutation =
  | { readonly kind: "put-task"; readonly id: string; readonly savedAt: Version; readonly body: Uint8Array }
  | { readonly kind: "put-entry"; readonly savedAt: Version; readonly id: string; readonly size: number }
  | { readonly kind: "delete-task"; readonly id: string; readonly at: Version }
  | { readonly kind: "delete-entry"; readonly savedAt: Version; readonly id: string; readonly at: Version }
  /** Everything between `after` and `before`, both exclusive. */
  | { readonly kind: "delete-entries"; readonly after: Version; readonly before: Version; readonly at: Version }
  /** The record of a sweep up to `at`; it expires after some weeks. */
  | { readonly kind: "put-sweep"; readonly ranges: readonly SweptRange[]; readonly at: Version };

export interface EntriesRead {
  readonly entries: readonly LedgerEntry[];
  /** Whether the server warned of many tombstones. */
  readonly isHeavy: boolean;
}

export interface EntryRange {
  /** Begins at the first place after this one. */
  readonly after: LedgerPlace;
  /** Up to this version, inclusive. */
  readonly upTo: Version;
  /** The maximum number of entries. */
  readonly limit: number;
}

/** The queries of a ledger. */
export interface LedgerSession {
  /** All or nothing on each replica: one batch, which is one mutation. */
  apply(partition: Partition, mutations: readonly Mutation[], timeout: number): Promise<void>;
  /** The task rows with these ids, in no particular order; with empty bodies, if none are wanted. */
  readTasks(
    partition: Partition,
    ids: readonly string[],
    timeout: number,
    withoutBodies?: boolean,
  ): Promise<readonly StoredTask[]>;
  /** The entries of a range, in order; fewer than the limit only at the end of the range. */
  readEntries(partition: Partition, range: EntryRange, timeout: number): Promise<EntriesRead>;
  /** The last entry after a version. */
  readLastEntry(partition: Partition, after: Version, timeout: number): Promise<LedgerPlace | undefined>;
  hasEntry(partition: Partition, place: LedgerPlace, timeout: number): Promise<boolean>;
  readSweep(partition: Partition, timeout: number): Promise<SweepRecord | undefined>;
  /** A coordinator's clock, in microseconds, to the millisecond. */
  readClock(timeout: number): Promise<Version>;
}

/** A row of the table of claims, of which a part may have expired. */
export interface ClaimRow {
  readonly token: bigint | null;
  /** In milliseconds since 1970. */
  readonly until: number | null;
  /** Undefined if there is none. */
  readonly state: ClaimState | undefined;
}

/** How to end a claim that is held. */
export type ClaimEnd =
  | { readonly kind: "release"; readonly until: number }
  /** Only the token, and the fact that the version has been completed, are kept, for a day. */
  | { readonly kind: "forget" };

/** The queries of claims. Changes are lightweight transactions, and are sent once. */
export interface ClaimSession {
  /** It may be older than a transaction of unknown outcome. */
  readClaim(key: TaskKey, timeout: number): Promise<ClaimRow>;
  /** The states of a list's tasks, by their ids: of those that have one. */
  readStates(taskList: string, ids: readonly string[], timeout: number): Promise<ReadonlyMap<string, ClaimState>>;
  /** Compare-and-set: replaces what was read by a state, or by nothing; resolves to whether it did. */
  replaceClaim(key: TaskKey, before: ClaimRow, after: ClaimState | undefined, timeout: number): Promise<boolean>;
  /**
   * Extends the lease of a claim, if it is still held; resolves to its end, which is later than requested if another renewal
   * was. Attempts of earlier renewals may be applied after this.
   */
  renewClaim(holding: ClaimHolding, until: number, timeout: number): Promise<number | undefined>;
  /** Ends a claim, if it is still held. */
  endClaim(holding: ClaimHolding, end: ClaimEnd, timeout: number): Promise<void>;
}

/** A list that tasks were saved to, and when this was last noted. */
export interface NotedList {
  readonly name: string;
  readonly notedAt: Version;
}

/** The queries for names of lists. */
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

/** Why an attempt failed. */
export type SessionErrorKind =
  /** No answer in time, from the coordinator or from enough replicas. */
  | "timeout"
  /** The connection broke, or there was none. */
  | "connection"
  /** Too few replicas are up. */
  | "unavailable"
  | "overloaded"
  /** Replicas failed to execute it. */
  | "failure"
  /** Of {@link LedgerSession.readEntries}: too many tombstones may lie in the range. */
  | "tombstones"
  /** The server refuses it; a retry would not help. */
  | "refused"
  | "too-large";

export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly kind: SessionErrorKind;
  /** Whether a write may have been applied, now or later. */
  readonly mayApply: boolean;

  constructor(kind: SessionErrorKind, mayApply: boolean, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.mayApply = mayApply;
  }
}
