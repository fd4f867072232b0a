import { MAX_VERSION, type Version } from "../../../core/version.js";
import {
  type EntriesRead,
  type EntryRange,
  type LedgerEntry,
  type LedgerPlace,
  SessionError,
} from "../model/session.js";
import type { Segment } from "./swept-ranges.js";

/**
 * Reads the entries of one partition in order. It gets through ranges that are full of tombstones and not swept yet: if
 * a read meets more than the server allows, it halves the range until a read succeeds, and doubles it after each success.
 */
export class EntryReader {
  readonly #read: (range: EntryRange) => Promise<EntriesRead>;
  readonly #segments: Segment[];
  #after: LedgerPlace;
  /** How much is read at once, in versions. */
  #width: Version = MAX_VERSION;
  /** Whether reads met many tombstones. */
  isHeavy = false;

  /** The segments are in order. */
  constructor(segments: readonly Segment[], read: (range: EntryRange) => Promise<EntriesRead>) {
    this.#read = read;
    this.#segments = [...segments];
    this.#after = startOf(this.#segments[0]);
  }

  /** The next entries; fewer than `limit` only at the end. */
  async next(limit: number): Promise<LedgerEntry[]> {
    const found: LedgerEntry[] = [];
    for (let [segment] = this.#segments; segment && found.length < limit; [segment] = this.#segments) {
      const widest = this.#after.savedAt + this.#width;
      const upTo = widest < segment.upTo ? widest : segment.upTo;
      const range = { after: this.#after, upTo, limit: limit - found.length };
      const entries = await this.#tryRead(range);
      if (entries === undefined) {
        this.#width = (upTo - this.#after.savedAt) / 2n;
        continue;
      }
      found.push(...entries);
      this.#after = entries.at(-1) ?? this.#after;
      if (entries.length < range.limit) this.#reached(upTo, segment);
    }
    return found;
  }

  /** Undefined if the range had too many tombstones. */
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

  /** All up to a version has been read. */
  #reached(upTo: Version, segment: Segment): void {
    this.#width = this.#width * 2n + 1n;
    this.#after = { savedAt: upTo + 1n, id: "" };
    if (upTo < segment.upTo) return;
    this.#segments.shift();
    this.#after = startOf(this.#segments[0]);
  }
}

/** No id is empty, so that this lies before all entries of the segment. */
function startOf(segment: Segment | undefined): LedgerPlace {
  return { savedAt: segment?.from ?? 0n, id: "" };
}
