import type { ClaimHolding, ClaimState } from "../../../adapter/claim-store.js";
import type { TaskKey } from "../../../core/keys.js";

/** What lies in the table, also where a part of it has expired already. */
export interface ClaimRow {
  readonly token: bigint | null;
  /** In milliseconds since 1970. */
  readonly until: number | null;
  /** Undefined where there is none. */
  readonly state: ClaimState | undefined;
}

/** How a claim ends that is held. */
export type ClaimEnd =
  | { readonly kind: "release"; readonly until: number }
  /** What is left, for a day, is the token, and that the version has been completed. */
  | { readonly kind: "forget" };

/**
 * All that claims ask of Cassandra: one attempt at each call, within `timeout` milliseconds. What changes a claim is a
 * lightweight transaction, and is sent once. Failures are {@link SessionError}s.
 */
export interface ClaimSession {
  /** At the keyspace's consistency. It may be older than a transaction that nobody has been told the outcome of. */
  readClaim(key: TaskKey, timeout: number): Promise<ClaimRow>;
  /** Puts a state, or nothing, in the place of what was read, if it is still that; whether it did. */
  replaceClaim(key: TaskKey, before: ClaimRow, after: ClaimState | undefined, timeout: number): Promise<boolean>;
  /**
   * Makes the lease of a claim end later, if it is still held; gives when it ends: later than was asked for, where another
   * renewal was so. Attempts of earlier renewals may be applied after this.
   */
  renewClaim(holding: ClaimHolding, until: number, timeout: number): Promise<number | undefined>;
  /** Ends a claim, if it is still held. */
  endClaim(holding: ClaimHolding, end: ClaimEnd, timeout: number): Promise<void>;
}
