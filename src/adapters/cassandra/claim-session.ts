import type { ClaimHolding, ClaimState } from "../../claim-store.js";
import type { TaskKey } from "../../keys.js";

/** What lies in the table, also where a part of it has expired already. */
export interface ClaimRow {
  readonly token: bigint | null;
  /** In milliseconds since 1970. */
  readonly until: number | null;
  /** Undefined where there is none. */
  readonly state: ClaimState | undefined;
}

/** What becomes of a claim that is held. */
export type ClaimChange =
  | { readonly kind: "renew"; readonly until: number }
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
  /** Changes a claim if it is still held; whether it was. */
  changeClaim(holding: ClaimHolding, change: ClaimChange, timeout: number): Promise<boolean>;
}
