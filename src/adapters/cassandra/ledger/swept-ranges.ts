import { latestOf, type Version } from "../../../core/version.js";
import type { SweepRecord, SweptRange } from "../model/session.js";

/** A part of a ledger that has to be read: from `from` to `upTo`, both inclusive. */
export interface Segment {
  readonly from: Version;
  readonly upTo: Version;
}

/** The segments after a version and up to another that lie in none of the ranges, which are in order. */
export function segmentsBetween(ranges: readonly SweptRange[], after: Version, upTo: Version): Segment[] {
  const starts = [after + 1n, ...ranges.map(({ before }) => latestOf([before, after + 1n]))];
  const ends = [...ranges.map((range) => range.after), upTo];
  return starts.map((from, i) => ({ from, upTo: ends[i] as Version })).filter((each) => each.from <= each.upTo);
}

/** The maximum number of ranges of a partition that a sweep records, the widest. Each costs a read to pass over. */
const MAX_RECORDED = 8;

/** The maximum number of ranges that one sweep covers, the widest of the new ones: each is a tombstone, too. */
const MAX_COVERED = 256;

/** Finds the widest gaps between the entries of a ledger, of those that the last sweep has not covered. */
export class GapFinder {
  readonly #sweep: SweepRecord;
  /** At least the widest that one sweep covers, and not many more. */
  #gaps: SweptRange[] = [];
  /** Enough gaps are wider than this. */
  #least: Version = 0n;
  #last: Version = 0n;

  constructor(sweep: SweepRecord = { sweptTo: 0n, ranges: [] }) {
    this.#sweep = sweep;
  }

  /** Notes the next entry, which stays. */
  note(savedAt: Version): void {
    const gap = { after: this.#last, before: savedAt };
    this.#last = savedAt;
    if (savedAt <= this.#sweep.sweptTo || widthOf(gap) < this.#least) return;
    this.#gaps.push(gap);
    if (this.#gaps.length <= 4 * MAX_COVERED) return;
    // Some may be cut later, at the sweep's limit; so more are kept than are covered.
    this.#gaps = widest(this.#gaps, 2 * MAX_COVERED);
    this.#least = widthOf(this.#gaps.at(-1) as SweptRange);
  }

  /**
   * The gaps to cover up to a limit, inclusive, in order, and the ranges to record: those and the last sweep's, the widest. What
   * comes after the last entry counts as a gap.
   */
  rangesUpTo(limit: Version): { readonly covered: readonly SweptRange[]; readonly recorded: readonly SweptRange[] } {
    const { sweptTo, ranges } = this.#sweep;
    const end = limit + 1n;
    const gaps = [...this.#gaps, { after: this.#last, before: end }]
      .map(({ after, before }) => ({ after, before: before < end ? before : end }))
      .filter((gap) => widthOf(gap) > 1n && gap.before > sweptTo + 1n);
    const covered = widest(gaps, MAX_COVERED);
    // A gap that begins before what was swept has grown over it.
    const old = ranges.filter(
      (range) => !covered.some(({ after, before }) => after <= range.after && range.before <= before),
    );
    return { covered: inOrder(covered), recorded: inOrder(widest([...old, ...covered], MAX_RECORDED)) };
  }
}

function widest(ranges: readonly SweptRange[], count: number): SweptRange[] {
  return [...ranges].sort((a, b) => (widthOf(a) > widthOf(b) ? -1 : 1)).slice(0, count);
}

function inOrder(ranges: SweptRange[]): SweptRange[] {
  return ranges.sort((a, b) => (a.after < b.after ? -1 : 1));
}

/** 1 where nothing fits in between. */
function widthOf({ after, before }: SweptRange): Version {
  return before - after;
}
