import { type ClaimState, isClaimed, REDELIVERY } from "../adapter/index.js";
import { momentOf } from "./age.js";

/** The view of the claims to a task. */
export interface ClaimView {
  /** How often it has been claimed. */
  readonly attempt: number;
  /** The current owner. */
  readonly owner?: string;
  /** When the owner's lease ends, or when the task may be tried again; in ISO 8601. */
  readonly until?: string;
  readonly state: "free" | "claimed" | "waiting";
}

/** `version` is that of the open task: a claim to an older one has no effect. */
export function viewClaim(state: ClaimState | undefined, version: bigint, now: number): ClaimView {
  if (state === undefined) return { attempt: 0, state: "free" };
  const { attempt, owner, until } = state;
  if (owner === REDELIVERY || !isClaimed(state, { savedAt: version }, { now, tolerance: 0 }))
    return { attempt, state: "free" };
  const end = momentOf(until);
  return owner === undefined
    ? { attempt, until: end, state: "waiting" }
    : { attempt, owner, until: end, state: "claimed" };
}
