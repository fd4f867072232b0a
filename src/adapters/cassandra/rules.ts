import type { Version } from "../../version.js";

/**
 * The rules by which the ledger is read and cleaned, all in one place. Simpler ones lose tasks when replicas, hints,
 * crashes, pauses and clocks conspire; each rule here says which loss it prevents.
 *
 * The tables: `tasks` has a row for each open task, found by id; `open_tasks`, the ledger, has an entry (S, id) for
 * each version S. One number is a task's version, its place in the ledger and the timestamp of every statement about
 * it. A delete at S removes what was written at S or before, however late either arrives, and nothing newer.
 */

/** A place in a partition of the ledger. */
export interface LedgerPlace {
  readonly savedAt: Version;
  readonly id: string;
}

/** The limits that the rules use, in microseconds. */
export interface LedgerLimits {
  /** How far a host's clock may be off. */
  readonly clock: Version;
  /** How old what is swept or removed must be at least. */
  readonly margin: Version;
}

/**
 * The last version that a pass which begins at `now` looks at, unless there are entries beyond: a save that was
 * acknowledged before the pass, by a host whose clock is ahead, must not be missed. Both clocks may be off, each in
 * its direction.
 */
export function passBound(now: Version, { clock }: LedgerLimits): Version {
  return now + 2n * clock;
}

/** What a pass does with an entry (S, id), given the version V of the task row, and whether it sees the entry (V, id). */
export type Verdict =
  /** V = S: the entry leads to its own version. */
  | "yield"
  /**
   * V > S: S was replaced, and the entry of V is still to come in this pass, so the task comes there. Or there is
   * nothing to yield: no row (completed, or its save is still on the way), or V < S (a save on the way).
   */
  | "skip"
  /**
   * V > S, and the pass won't come to the entry of V: it is not seen yet, or its place lies in a part that was read
   * before it was there, or past the bound. The task is yielded here, in version V, or this pass would miss it.
   */
  | "yield-replacement";

/** What is known of the entry (V, id) of a task whose row is newer than the entry at hand. */
export interface Successor {
  /** Whether it is among those of the page that holds (S, id). */
  readonly inPage: boolean;
  /** Whether it was found when it was looked up. */
  readonly found: boolean;
  /** The last place of the page: what lies past it is still to be read. */
  readonly pageEnd: Version;
  readonly bound: Version;
}

/** Reading: the verdict on an entry whose task row has been read after it; `successor` is there where that is newer. */
export function judge(place: LedgerPlace, row: Version | undefined, successor: Successor | undefined): Verdict {
  if (row === place.savedAt) return "yield";
  if (row === undefined || successor === undefined) return "skip";
  const { inPage, found, pageEnd, bound } = successor;
  return inPage || (found && row > pageEnd && row <= bound) ? "skip" : "yield-replacement";
}

/**
 * W, the age limit of removal and of the sweep. `now` must have been read before the first read that it judges: else
 * a host that was stopped in between would judge by a clock that its reads know nothing of.
 */
export function removalLimit(now: Version, serverNow: Version, { margin }: LedgerLimits): Version {
  return (now < serverNow ? now : serverNow) - margin;
}

/**
 * Removing (b): an entry without a task row is completed, or its save was never acknowledged, or it is on its way. Only
 * a save that is older than the margin can't be on its way to an acknowledgement any more.
 */
export function mayRemoveAbsent(place: LedgerPlace, limit: Version): boolean {
  return place.savedAt < limit;
}

/**
 * Removing (a): the entry of a version that was replaced by V may go once the entry of V has been seen, and while V is
 * young on the clock after that answer: a sweep that is under way may have missed (V, id) before it came, and if V
 * were older than the sweep's limit, that would cover it; then S would be all that leads to the task.
 */
export function mayRemoveReplaced(replacement: Version, seen: boolean, now: Version, limits: LedgerLimits): boolean {
  return seen && isWithinHalfMargin(replacement, now, limits);
}

/**
 * Acknowledging: a save counts only if its answer came within half the margin of its version, on the clock after the
 * answer. A process may have been stopped in between; a sweep might cover a version that is that old, having read the
 * ledger before it was there.
 */
export function isWithinHalfMargin(version: Version, now: Version, { margin }: LedgerLimits): boolean {
  return now - version < margin / 2n;
}
