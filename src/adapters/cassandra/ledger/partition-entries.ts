import { MAX_VERSION, type Version } from "../../../core/version.js";
import type { Partition } from "../model/partition.js";
import {
  type EntriesRead,
  type EntryRange,
  type LedgerEntry,
  type LedgerPlace,
  SessionError,
  type SweepRecord,
} from "../model/session.js";
import { toTaskError } from "../retry.js";
import { GapFinder, type Segment } from "./swept-ranges.js";

/** An entry of the ledger, with what a scan must know about its neighbours. */
export interface PlacedEntry extends LedgerEntry {
  readonly source: PartitionEntries;
  /** The entries that were read together with it. */
  readonly page: readonly LedgerEntry[];
}

export interface PartitionEntriesOptions {
  readonly partition: Partition;
  /** Every entry up to here is read; later ones are only those of wrong clocks. */
  readonly bound: Version;
  /** What the last sweep recorded. */
  readonly sweep: SweepRecord | undefined;
  /** What has to be read, in order. */
  readonly segments: readonly Segment[];
  readonly pageSize: number;
  readonly read: (range: EntryRange) => Promise<EntriesRead>;
}

/**
 * A partition's entries in order: a page of them at hand, and the next on its way. It gets through ranges that are full of
 * tombstones and not swept yet: if a read meets more than the server allows, it halves the range until a read succeeds, and
 * doubles it after each success.
 */
export class PartitionEntries {
  readonly partition: Partition;
  readonly bound: Version;
  readonly sweep: SweepRecord | undefined;
  /** The gaps between the entries that were read. */
  readonly gaps: GapFinder;
  /** What was read last. */
  page: readonly LedgerEntry[] = [];
  /** Whether reads met many tombstones. */
  isHeavy = false;
  readonly #read: PartitionEntriesOptions["read"];
  readonly #pageSize: number;
  readonly #unread: { after: LedgerPlace; readonly upTo: Version }[];
  /** How much is read at once, in versions. */
  #width: Version = MAX_VERSION;
  #index = 0;
  /** The page after the current one; undefined at the end. */
  #next: Promise<readonly LedgerEntry[]> | undefined;

  constructor({ partition, bound, sweep, segments, pageSize, read }: PartitionEntriesOptions) {
    this.partition = partition;
    this.bound = bound;
    this.sweep = sweep;
    this.gaps = new GapFinder(sweep?.sweptTo ?? 0n);
    this.#read = read;
    this.#pageSize = pageSize;
    // No id is empty, so that this lies before all entries of the segment.
    this.#unread = segments.map(({ from, upTo }) => ({ after: { savedAt: from, id: "" }, upTo }));
    this.#next = this.#readAhead();
  }

  get head(): LedgerEntry | undefined {
    return this.page[this.#index];
  }

  /** Whether there is a head; turns to the next page if it has to. */
  async fill(): Promise<boolean> {
    if (this.head === undefined && this.#next !== undefined) {
      this.page = await this.#next;
      this.#index = 0;
      this.#next = this.page.length < this.#pageSize ? undefined : this.#readAhead();
      for (const { savedAt } of this.page) this.gaps.note(savedAt);
    }
    return this.head !== undefined;
  }

  /** There is a head. */
  take(): PlacedEntry {
    const { savedAt, id, size } = this.page[this.#index++] as LedgerEntry;
    return { savedAt, id, size, source: this, page: this.page };
  }

  #readAhead(): Promise<readonly LedgerEntry[]> {
    const next = this.#readPage();
    next.catch(() => undefined); // it is reported when its turn comes
    return next;
  }

  /** The next entries; less than a page only at the end. */
  async #readPage(): Promise<readonly LedgerEntry[]> {
    const found: LedgerEntry[] = [];
    for (let [segment] = this.#unread; segment && found.length < this.#pageSize; [segment] = this.#unread) {
      const { after } = segment;
      const widest = after.savedAt + this.#width;
      const upTo = widest < segment.upTo ? widest : segment.upTo;
      const limit = this.#pageSize - found.length;
      const entries = await this.#tryRead({ after, upTo, limit });
      if (entries === undefined) {
        this.#width = (upTo - after.savedAt) / 2n;
        continue;
      }
      found.push(...entries);
      const isEnd = entries.length < limit;
      if (isEnd) this.#width = this.#width * 2n + 1n;
      if (isEnd && upTo === segment.upTo) this.#unread.shift();
      else segment.after = isEnd ? { savedAt: upTo + 1n, id: "" } : (entries.at(-1) as LedgerEntry);
    }
    return found;
  }

  /** Undefined if the range has too many tombstones. */
  async #tryRead(range: EntryRange): Promise<readonly LedgerEntry[] | undefined> {
    try {
      const { entries, isHeavy } = await this.#read(range);
      this.isHeavy ||= isHeavy;
      return entries;
    } catch (error) {
      const isTombstones = error instanceof SessionError && error.kind === "tombstones";
      // A range of one microsecond can't be made smaller.
      if (!isTombstones || range.upTo <= range.after.savedAt) throw toTaskError(error);
      this.isHeavy = true;
      return undefined;
    }
  }
}
