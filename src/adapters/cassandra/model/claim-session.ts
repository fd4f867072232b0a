import type { ClaimHolding, ClaimState } from "../../../adapter/claim-store.js";
import type { TaskKey } from "../../../core/keys.js";

/** A row of the table, of which a part may have expired. */
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

/**
 * The queries of claims: each call is one attempt, within `timeout` milliseconds. Changes of claims are lightweight
 * transactions, and are sent once. Failures are {@link SessionError}s.
 */
export interface ClaimSession {
  /** At the keyspace's consistency. It may be older than a transaction of unknown outcome. */
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
