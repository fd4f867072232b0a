import type { ClaimState } from "../../claim-store.js";
import { claimRow, readClaim, rowStamp, type StoredRow } from "./layout.js";

/** What the store remembers of a task's claims. */
export interface ClaimRow {
  readonly stamp: number;
  readonly state: ClaimState;
}

export function encodeClaimRow({ stamp, state }: ClaimRow): Buffer {
  const { savedAt, owner, token, attempt, until } = state;
  const content = JSON.stringify({ savedAt: String(savedAt), owner, token: String(token), attempt, until });
  return claimRow(stamp, Buffer.from(content));
}

export function decodeClaimRow(row: StoredRow | undefined): ClaimRow | undefined {
  if (row === undefined) return undefined;
  const { savedAt, owner, token, attempt, until } = JSON.parse(Buffer.from(readClaim(row)).toString());
  return {
    stamp: rowStamp(row),
    state: { savedAt: BigInt(savedAt), owner, token: BigInt(token), attempt, until },
  };
}
