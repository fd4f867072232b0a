import type { ClaimState } from "../../claim-store.js";
import { processClock, type Version } from "../../version.js";
import { readContent, readVersion, rowOf, type StoredRow } from "./layout.js";

/** What the store remembers of a task's claims. */
export interface ClaimRow {
  /** Grows with every change, so that a change can be seen. */
  readonly revision: Version;
  readonly state: ClaimState;
  readonly bytes: Buffer;
}

/** The row after the one with the revision `after`. */
export function claimRow(state: ClaimState, after: Version = 0n): ClaimRow {
  const now = processClock.now();
  const revision = now > after ? now : after + 1n;
  const { savedAt, owner, token, attempt, until } = state;
  const content = JSON.stringify({ savedAt: String(savedAt), owner, token: String(token), attempt, until });
  return { revision, state, bytes: rowOf(revision, Buffer.from(content)) };
}

export function readClaimRow(row: StoredRow | undefined): ClaimRow | undefined {
  if (row === undefined) return undefined;
  const bytes = Buffer.from(readContent(row));
  const { savedAt, owner, token, attempt, until } = JSON.parse(bytes.toString());
  return {
    revision: readVersion(row),
    state: { savedAt: BigInt(savedAt), owner, token: BigInt(token), attempt, until },
    bytes,
  };
}
