import { MIN_VERSION, type Version } from "../../../core/version.js";
import type { SweptRange } from "../model/session.js";

/** A part of a ledger that has to be read: from `from` to `upTo`, both inclusive. */
export interface Segment {
  readonly from: Version;
  readonly upTo: Version;
}

/** The segments of a ledger up to a bound that are not swept, and so must be read. */
export function segmentsBetween(ranges: readonly SweptRange[], bound: Version): Segment[] {
  const starts = [MIN_VERSION, ...ranges.map(({ before }) => before)];
  const ends = [...ranges.map(({ after }) => after), bound];
  return starts
    .map((from, i) => ({ from, upTo: minimum(ends[i] as Version, bound) }))
    .filter(({ from, upTo }) => from <= upTo);
}

/** The parts of segments that come after a version. */
export function segmentsAfter(segments: readonly Segment[], after: Version): Segment[] {
  return segments
    .map(({ from, upTo }) => ({ from: from > after ? from : after + 1n, upTo }))
    .filter(({ from, upTo }) => from <= upTo);
}

/** The maximum number of ranges of a partition that a sweep records, the widest. Each costs a read to pass over. */
const MAX_RECORDED = 8;

/** The maximum number of ranges that one sweep covers, the widest of the new ones: each is a tombstone, too. */
const MAX_COVERED = 256;

export interface FoundRanges {
  readonly covered: readonly SweptRange[];
  readonly recorded: readonly SweptRange[];
}

/** Finds the widest gaps between the entries of a ledger, which are given in order. */
export class GapFinder {
  readonly #sweptTo: Version;
  readonly #old = new WidestGaps(MAX_RECORDED);
  readonly #new = new WidestGaps(MAX_COVERED);
  #last: Version = 0n;

  /** Gaps that end at or before `sweptTo` have been covered by an earlier sweep. */
  constructor(sweptTo: Version) {
    this.#sweptTo = sweptTo;
  }

  /** Notes an entry, which stays. */
  note(savedAt: Version): void {
    const gap = { after: this.#last, before: savedAt };
    if (savedAt > this.#sweptTo) this.#new.add(gap);
    else this.#old.add(gap);
    this.#last = savedAt;
  }

  /** The gaps up to a limit, inclusive, in order. What comes after the last entry counts as one. */
  rangesUpTo(limit: Version): FoundRanges {
    const upTo = (gaps: readonly SweptRange[]) =>
      gaps
        .map(({ after, before }) => ({ after, before: minimum(before, limit + 1n) }))
        .filter((gap) => widthOf(gap) > 1n);
    const covered = widest(upTo([...this.#new.gaps, { after: this.#last, before: limit + 1n }]), MAX_COVERED);
    const recorded = widest([...upTo(this.#old.gaps), ...covered], MAX_RECORDED);
    return { covered: inOrder(covered), recorded: inOrder(recorded) };
  }
}

/** At least the widest `count` of the gaps that were added, and not many more. */
class WidestGaps {
  readonly #count: number;
  gaps: SweptRange[] = [];
  /** Enough gaps are wider than this. */
  #least: Version = 0n;

  constructor(count: number) {
    this.#count = count;
  }

  add(gap: SweptRange): void {
    if (widthOf(gap) < this.#least) return;
    this.gaps.push(gap);
    if (this.gaps.length <= 4 * this.#count) return;
    // Some may be cut later, at the sweep's limit; so more are kept than asked for.
    this.gaps = widest(this.gaps, 2 * this.#count);
    this.#least = widthOf(this.gaps.at(-1) as SweptRange);
  }
}

function widest(gaps: readonly SweptRange[], count: number): SweptRange[] {
  return [...gaps].sort((a, b) => (widthOf(a) > widthOf(b) ? -1 : 1)).slice(0, count);
}

function inOrder(gaps: SweptRange[]): SweptRange[] {
  return gaps.sort((a, b) => (a.after < b.after ? -1 : 1));
}

/** The ranges that are not inside one that was swept before: these need tombstones. */
export function notCoveredBy(before: readonly SweptRange[], ranges: readonly SweptRange[]): SweptRange[] {
  return ranges.filter((one) => !before.some((other) => other.after <= one.after && other.before >= one.before));
}

/** 1 where nothing fits in between. */
function widthOf({ after, before }: SweptRange): Version {
  return before - after;
}

function minimum(a: Version, b: Version): Version {
  return a < b ? a : b;
}
