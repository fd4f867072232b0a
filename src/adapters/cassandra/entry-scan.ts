import type { Version } from "../../core/version.js";
import type { LedgerPlace } from "./rules.js";
import { type EntriesRead, type EntryRange, type LedgerEntry, SessionError } from "./session.js";
import type { Segment } from "./stretches.js";

export type ReadRange = (range: EntryRange) => Promise<EntriesRead>;

/** After so many reads that went well in halves, the whole rest is tried again. */
const SUCCESSES = 3;

/**
 * Reads the entries of one partition in order, up to a bound. It passes over stretches that were swept, and gets through
 * those that nobody has swept yet: where a read meets more tombstones than the server allows, it reads a part of the
 * range, half of it, half of that, and goes on from there.
 */
export class EntryScan {
  readonly #read: ReadRange;
  readonly #segments: Segment[];
  #after: LedgerPlace;
  /** The end of a range that was too much to read, and how many reads went well since. */
  #tooFar: Version | undefined;
  #successes = 0;
  /** Whether tombstones were in the way. */
  isHeavy = false;

  /** The segments are in order. */
  constructor(segments: readonly Segment[], read: ReadRange) {
    this.#read = read;
    this.#segments = [...segments];
    this.#after = startOf(this.#segments[0]);
  }

  /** The next entries; fewer than `limit` only at the end. */
  async next(limit: number): Promise<LedgerEntry[]> {
    const found: LedgerEntry[] = [];
    while (found.length < limit && this.#segments.length > 0) {
      const upTo = this.#attemptedEnd();
      const entries = await this.#tryRead({ after: this.#after, upTo, limit: limit - found.length });
      if (entries === undefined) this.#narrow(upTo);
      else {
        const isExhausted = entries.length < limit - found.length;
        found.push(...entries);
        this.#after = isExhausted ? { savedAt: upTo + 1n, id: "" } : (entries.at(-1) as LedgerEntry);
        if (isExhausted) this.#reached(upTo);
      }
    }
    return found;
  }

  /** Undefined if it was too much. */
  async #tryRead(range: EntryRange): Promise<readonly LedgerEntry[] | undefined> {
    try {
      const { entries, isHeavy } = await this.#read(range);
      this.isHeavy ||= isHeavy;
      return entries;
    } catch (error) {
      // A range of one microsecond can't be made smaller.
      if (!(error instanceof SessionError) || error.kind !== "tombstones" || range.upTo <= range.after.savedAt)
        throw error;
      this.isHeavy = true;
      return undefined;
    }
  }

  #attemptedEnd(): Version {
    const { upTo } = this.#segments[0] as Segment;
    if (this.#tooFar === undefined) return upTo;
    if (this.#successes >= SUCCESSES) return this.#tooFar;
    return this.#after.savedAt + (this.#tooFar - this.#after.savedAt) / 2n;
  }

  #narrow(upTo: Version): void {
    this.#tooFar = upTo;
    this.#successes = 0;
  }

  /** All up to a place has been read. */
  #reached(upTo: Version): void {
    this.#successes++;
    if (upTo === this.#tooFar) this.#tooFar = undefined;
    if (upTo !== (this.#segments[0] as Segment).upTo) return;
    this.#segments.shift();
    this.#tooFar = undefined;
    this.#after = startOf(this.#segments[0]);
  }
}

/** No id is empty, so that this lies before all entries of the segment. */
function startOf(segment: Segment | undefined): LedgerPlace {
  return { savedAt: segment?.from ?? 0n, id: "" };
}
