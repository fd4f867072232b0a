import type { TaskKey } from "./keys.js";
import type { Version } from "./version.js";

/** A worker's wish to have a version of a task for itself for a time. */
export interface ClaimRequest extends TaskKey {
  readonly savedAt: Version;
  readonly owner: string;
  /** In milliseconds. */
  readonly lease: number;
}

/** What names a claim that was granted. */
export interface ClaimHolding extends TaskKey {
  readonly token: bigint;
}

/** What a store remembers of the claims to a task. */
export interface ClaimState {
  /** The version that was claimed last. */
  readonly savedAt: Version;
  /** Who has it; undefined since it was released. */
  readonly owner: string | undefined;
  /** Of the last claim. It grows with every claim to the task. */
  readonly token: bigint;
  /** How often the task has been claimed. */
  readonly attempt: number;
  /** When the lease ends, or, after a release, when the task may be claimed again; milliseconds since 1970. */
  readonly until: number;
}

interface ClaimOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * An adapter's claims. A claim keeps other workers from a task for a time; it is no part of the task's own safety, and a
 * task can be saved and completed by whoever has it, claimed or not.
 *
 * All clients of a store judge by one rule, {@link grantClaim}; the store sees to it that of several at once one is
 * granted. What it remembers goes by itself some time after the last claim.
 */
export interface ClaimStore {
  /**
   * Grants a claim to a version that is open, by the rule. Undefined where the rule, or another claim at the same time,
   * stands in the way, or where that version is not open any more. A claim of unknown outcome counts as not granted: it
   * rejects, and if it was granted it expires.
   */
  claim(request: ClaimRequest, options?: ClaimOptions): Promise<ClaimState | undefined>;

  /** Makes the lease end so many milliseconds from now; gives the state, or undefined if the claim has been lost. */
  renew(holding: ClaimHolding, lease: number, options?: ClaimOptions): Promise<ClaimState | undefined>;

  /** Ends a claim; the task may be claimed again in so many milliseconds. False if it had been lost. */
  release(holding: ClaimHolding, retryIn: number, options?: ClaimOptions): Promise<boolean>;

  /** What is remembered of the claims to each task, as it was some moment ago. */
  states(keys: readonly TaskKey[], options?: ClaimOptions): Promise<readonly (ClaimState | undefined)[]>;
}

/** The clock by which a claim is judged, in milliseconds since 1970, and how far two hosts' may be apart. */
export interface ClaimClock {
  readonly now: number;
  readonly tolerance: number;
}

/**
 * Whether a task may not be claimed: a claim to this version is another owner's, and its lease has not surely ended, or
 * the version was released to be tried again later. A claim to an older version stands in nobody's way.
 *
 * A lease was given by the clock of the host that holds it, and is judged by that of the host that looks. It has surely
 * ended when the two clocks can't be so far apart.
 */
export function isClaimed(
  { savedAt, owner, until }: ClaimState,
  request: Pick<ClaimRequest, "savedAt"> & { readonly owner?: string | undefined },
  { now, tolerance }: ClaimClock,
): boolean {
  if (savedAt !== request.savedAt) return savedAt > request.savedAt;
  if (owner === undefined) return now < until;
  return owner !== request.owner && now < until + tolerance;
}

/** The state after a request is granted; undefined where it may not be. */
export function grantClaim(
  previous: ClaimState | undefined,
  { savedAt, owner, lease }: ClaimRequest,
  clock: ClaimClock,
): ClaimState | undefined {
  if (previous && isClaimed(previous, { savedAt, owner }, clock)) return undefined;
  // From the clock, so that tokens grow even after the store has forgotten the last one.
  const fromClock = BigInt(clock.now) * 1000n;
  const afterLast = (previous?.token ?? 0n) + 1n;
  return {
    savedAt,
    owner,
    token: fromClock > afterLast ? fromClock : afterLast,
    attempt: (previous?.attempt ?? 0) + 1,
    until: clock.now + lease,
  };
}

/** The state after a release. */
export function releaseClaim(state: ClaimState, retryIn: number, now: number): ClaimState {
  return { ...state, owner: undefined, until: now + retryIn };
}

/** The state after a renewal. */
export function renewClaim(state: ClaimState, lease: number, now: number): ClaimState {
  return { ...state, until: now + lease };
}

/** How long a store remembers a task's claims after the last one, in milliseconds: 30 days. */
export const CLAIM_MEMORY: number = 30 * 24 * 3600 * 1000;
