import { MIN_VERSION, type Version } from "../../core/version.js";

/** A part of a partition's ledger in which every version is completed: those after `after` and before `before`. */
export interface Stretch {
  readonly after: Version;
  readonly before: Version;
}

/** What the last sweep of a partition left behind, so that reading need not cross it. */
export interface Sweep {
  readonly sweptTo: Version;
  /** In order; none touches another. */
  readonly stretches: readonly Stretch[];
}

/** A part of the ledger that has to be read: from `from` to `upTo`, both with it. */
export interface Segment {
  readonly from: Version;
  readonly upTo: Version;
}

/** What is left to read of a ledger up to a bound when the stretches are passed over. */
export function segmentsBetween(stretches: readonly Stretch[], bound: Version): Segment[] {
  const starts = [MIN_VERSION, ...stretches.map(({ before }) => before)];
  const ends = [...stretches.map(({ after }) => after), bound];
  return starts
    .map((from, i) => ({ from, upTo: minimum(ends[i] as Version, bound) }))
    .filter(({ from, upTo }) => from <= upTo);
}

/** Sweeps keep this many stretches of a partition: the widest. Each costs a read to cross. */
const KEPT = 8;

/** So many are covered in one sweep, the widest of those that are new: each is a tombstone, too. */
const COVERED = 256;

/** The stretches that a sweep covers, and those of them that it keeps. */
export interface FoundStretches {
  readonly covered: readonly Stretch[];
  readonly kept: readonly Stretch[];
}

/** Finds the widest gaps between the entries of a ledger, which are given in order. */
export class GapFinder {
  readonly #sweptTo: Version;
  readonly #old = new WidestGaps(KEPT);
  readonly #new = new WidestGaps(COVERED);
  #last: Version = 0n;

  /** Gaps that end by `sweptTo` were there for an earlier sweep. */
  constructor(sweptTo: Version) {
    this.#sweptTo = sweptTo;
  }

  /** An entry that stays: a fence between gaps. */
  fence(savedAt: Version): void {
    this.#note({ after: this.#last, before: savedAt });
    this.#last = savedAt;
  }

  /** The gaps up to a limit, with it, in order. What comes after the last fence counts as one. */
  stretchesUpTo(limit: Version): FoundStretches {
    const upTo = (gaps: readonly Stretch[]) =>
      gaps
        .map(({ after, before }) => ({ after, before: minimum(before, limit + 1n) }))
        .filter((gap) => widthOf(gap) > 1n);
    const found = upTo([...this.#new.gaps, { after: this.#last, before: limit + 1n }]);
    const covered = widest(found, COVERED);
    return { covered: inOrder(covered), kept: inOrder(widest([...upTo(this.#old.gaps), ...covered], KEPT)) };
  }

  #note(gap: Stretch): void {
    if (gap.before > this.#sweptTo) this.#new.add(gap);
    else this.#old.add(gap);
  }
}

/** At least the widest `count` of the gaps that were added, and not many more. */
class WidestGaps {
  readonly #count: number;
  gaps: Stretch[] = [];
  /** Enough gaps are wider than this. */
  #least: Version = 0n;

  constructor(count: number) {
    this.#count = count;
  }

  add(gap: Stretch): void {
    if (widthOf(gap) < this.#least) return;
    this.gaps.push(gap);
    if (this.gaps.length <= 4 * this.#count) return;
    // Some may be cut off later, at the sweep's limit; so more are kept than asked for.
    this.gaps = widest(this.gaps, 2 * this.#count);
    this.#least = widthOf(this.gaps.at(-1) as Stretch);
  }
}

function widest(gaps: readonly Stretch[], count: number): Stretch[] {
  return [...gaps].sort((a, b) => (widthOf(a) > widthOf(b) ? -1 : 1)).slice(0, count);
}

function inOrder(gaps: Stretch[]): Stretch[] {
  return gaps.sort((a, b) => (a.after < b.after ? -1 : 1));
}

/** The stretches that lie in none of those that were swept before: these need tombstones. */
export function notCoveredBy(before: readonly Stretch[], stretches: readonly Stretch[]): Stretch[] {
  return stretches.filter((one) => !before.some((other) => other.after <= one.after && other.before >= one.before));
}

/** 1 where nothing fits in between. */
function widthOf({ after, before }: Stretch): Version {
  return before - after;
}

function minimum(a: Version, b: Version): Version {
  return a < b ? a : b;
}
