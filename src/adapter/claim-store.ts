import type { OperationOptions } from "../core/abort.js";
import type { TaskKey } from "../core/keys.js";
import { MAX_VERSION, toMilliseconds, type Version } from "../core/version.js";

/** A request to claim a version of a task. */
export interface ClaimRequest extends TaskKey {
  /** The version to claim. */
  readonly savedAt: Version;
  /** The name of who claims. */
  readonly owner: string;
  /** How long the claim lasts, in milliseconds. */
  readonly lease: number;
}

/** Identifies a claim that was granted. */
export interface ClaimHolding extends TaskKey {
  /** The claim's token. */
  readonly token: bigint;
}

/** What a store keeps about the claims to a task. */
export interface ClaimState {
  /** The version that was claimed last; 0 if none was. */
  readonly savedAt: Version;
  /** The owner of the claim; undefined once it has been released. */
  readonly owner: string | undefined;
  /** The token of the last claim. It grows with every claim to the task. */
  readonly token: bigint;
  /** How often the task has been claimed. */
  readonly attempt: number;
  /** When the lease ends, or, after a release, when the task may be claimed again; whole milliseconds since 1970. */
  readonly until: number;
}

/**
 * An adapter's claims. A claim keeps other workers from a task for a time. It does not protect the task itself: anybody who
 * has a task can save and complete it, claimed or not.
 *
 * All clients of a store judge by one rule, {@link grantClaim}; the store ensures that of several concurrent claims one is
 * granted. What it keeps about claims is removed some time after the last claim, or once the task has been completed.
 */
export interface ClaimStore {
  /**
   * Claims an open version, by the rule. Resolves to undefined if the rule or a concurrent claim prevents it, or if that version
   * is not open any more. A claim of unknown outcome counts as not granted: it rejects, and if it was granted, it expires.
   */
  claim(request: ClaimRequest, options?: OperationOptions): Promise<ClaimState | undefined>;

  /**
   * Extends the lease to `lease` milliseconds from now; never shortens it, since an earlier renewal may arrive late. Resolves
   * to its end, in milliseconds since 1970, or to undefined if the claim has been released, or the task claimed again or
   * completed.
   */
  renew(holding: ClaimHolding, lease: number, options?: OperationOptions): Promise<number | undefined>;

  /** Ends a claim; the task may be claimed again after `retryIn` milliseconds. Does nothing if the claim has already ended. */
  release(holding: ClaimHolding, retryIn: number, options?: OperationOptions): Promise<void>;

  /**
   * Called when the task has been completed under this claim. Afterwards nobody can claim that version; if the task is saved
   * anew, its attempts begin at 1, and its tokens continue to grow. Only for stores whose `complete` does not do this.
   */
  forget?(holding: ClaimHolding, options?: OperationOptions): Promise<void>;

  /** The state of the claims to each task, as it was some moment ago, in the order of the keys; undefined if there is none. */
  states(keys: readonly TaskKey[], options?: OperationOptions): Promise<readonly (ClaimState | undefined)[]>;
}

/**
 * The owner of a mark: not a claim to the work, but a note that the task was handed to a queue again. While it lasts, it
 * keeps others from handing the task over once more, but nobody from claiming it. It does not count as an attempt; the
 * version and the attempts of the last claim are kept.
 */
export const REDELIVERY = "taskledger.redelivery";

/** The clock by which a claim is judged. */
export interface ClaimClock {
  /** In whole milliseconds since 1970. */
  readonly now: number;
  /** How far the clocks of two hosts may be apart, in milliseconds. */
  readonly tolerance: number;
}

/**
 * Whether a task may not be claimed: another owner has a claim to this version, or a later one, whose lease may not have
 * ended; or this version was released, to be tried again later, by a clock that was right. A claim to an older version blocks
 * nobody. A mark ({@link REDELIVERY}) blocks only another mark, and may not be set while anybody has a claim.
 *
 * The end of a lease is a time by the clock of the host that holds it; another host judges it by its own clock. The lease has
 * surely ended when that is past by more than the two clocks can differ.
 */
export function isClaimed(
  state: ClaimState,
  request: Pick<ClaimRequest, "savedAt"> & { readonly owner?: string | undefined },
  clock: ClaimClock,
): boolean {
  if (isOfWrongClock(state, clock)) return false;
  const { savedAt, owner, until } = state;
  const { now, tolerance } = clock;
  const isHeld = owner !== undefined && now < until + tolerance;
  const isWaiting = owner === undefined && savedAt === request.savedAt && now < until;
  if (request.owner === REDELIVERY) return isHeld || isWaiting;
  if (owner === REDELIVERY) return false;
  const isAnothers = savedAt > request.savedAt || (savedAt === request.savedAt && owner !== request.owner);
  return isWaiting || (isHeld && isAnothers);
}

/** How far tokens of a right clock may be ahead of all hosts' clocks, in milliseconds: each claim makes a higher one. */
const TOKEN_ALLOWANCE = 5_000;

/**
 * Whether a wait, or a mark, was noted by a clock that was wrong, or that has been set back since. It might last for as
 * long as that clock was ahead, so it blocks nobody. The token shows this, which the same clock made just before: it is
 * further ahead of this clock than a right clock can be. If the wait ends well before the token's time, it was noted after
 * the clock had been set back (tokens never decrease), and is valid.
 *
 * False for every lease: its holder may be working.
 */
export function isOfWrongClock({ owner, token, until }: ClaimState, { now, tolerance }: ClaimClock): boolean {
  if (owner !== undefined && owner !== REDELIVERY) return false;
  const margin = 2 * tolerance + TOKEN_ALLOWANCE;
  const claimedAt = toMilliseconds(token);
  return claimedAt > now + margin && until > claimedAt - margin && until !== NEVER;
}

/**
 * The state after a request is granted; undefined if it must be refused. `nextToken` gives a number that is higher than
 * another, and than all that it gave before, such as `VersionClock.next`: tokens come from a clock, so that they
 * grow even after the store has forgotten the last one.
 */
export function grantClaim(
  previous: ClaimState | undefined,
  { savedAt, owner, lease }: ClaimRequest,
  clock: ClaimClock,
  nextToken: (after: bigint) => bigint,
): ClaimState | undefined {
  if (previous && isClaimed(previous, { savedAt, owner }, clock)) return undefined;
  const { savedAt: claimed = 0n, attempt = 0, token = 0n } = previous ?? {};
  const counted = owner === REDELIVERY ? { savedAt: claimed, attempt } : { savedAt, attempt: attempt + 1 };
  // A token past the year 9999 is damaged. One after it would be, too, and so would every version of the same clock.
  const after = token <= MAX_VERSION ? token : 0n;
  return { ...counted, owner, token: nextToken(after), until: endOfLease(lease, clock.now) };
}

/** When a lease ends that begins now. */
export function endOfLease(lease: number, now: number): number {
  return Math.floor(now + lease);
}

/** The state after a renewal. */
export function renewClaim(state: ClaimState, lease: number, now: number): ClaimState {
  return { ...state, until: Math.max(state.until, endOfLease(lease, now)) };
}

/** The state after a release. */
export function releaseClaim(state: ClaimState, retryIn: number, now: number): ClaimState {
  return { ...state, owner: undefined, until: endOfWait(retryIn, now) };
}

/** When a task that is released now may be claimed again. Without a delay it is 0: at once, whatever another host's clock is. */
export function endOfWait(retryIn: number, now: number): number {
  return retryIn > 0 ? Math.ceil(now + retryIn) : 0;
}

/**
 * The wait, in milliseconds, with which a claim is released that is no failure. A task that is given up and left open is
 * released without one: this tells the two apart, whatever the attempts.
 */
export const LEAST_WAIT = 1;

/** The end of a wait without end, as after a completion: the latest time that a Date can have. */
export const NEVER = 8_640_000_000_000_000;

/** How long a store remembers a task's claims after the last one, in milliseconds: 30 days. */
export const CLAIM_MEMORY: number = 30 * 24 * 3600 * 1000;
