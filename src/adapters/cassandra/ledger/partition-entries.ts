import type { AllOptions } from "../../../adapter/adapter.js";
import { latestOf, MAX_VERSION, type Version } from "../../../core/version.js";
import type { Partition } from "../model/partition.js";
import {
  type EntryRange,
  type LedgerEntry,
  type LedgerPlace,
  SessionError,
  type SweepRecord,
} from "../model/session.js";
import { retryAttempts, toTaskError } from "../retry.js";
import type { LedgerContext } from "./context.js";
import type { ScanStart } from "./rules.js";
import { GapFinder, type Segment, segmentsBetween } from "./swept-ranges.js";

/** An entry of the ledger, and where it was read. */
export interface PlacedEntry extends LedgerEntry {
  readonly source: PartitionEntries;
}

/** What has to be read of a partition. */
interface Extent {
  /** Every entry up to here is read; later ones are only those of wrong clocks. */
  readonly bound: Version;
  /** What the last sweep recorded. */
  readonly sweep: SweepRecord | undefined;
  readonly segments: readonly Segment[];
}

/** Finds where a scan of a partition ends, and begins to read its entries. */
export async function openEntries(
  context: LedgerContext,
  partition: Partition,
  { host }: ScanStart,
  { savedBefore, after = 0n, signal }: Pick<AllOptions, "savedBefore" | "after" | "signal">,
): Promise<PartitionEntries> {
  const { rules, limits, session, read } = context;
  const bound = rules.scanBound(host, limits);
  const [last, sweep] = await Promise.all([
    read(signal, (timeout) => session.readLastEntry(partition, bound, timeout)),
    read(signal, (timeout) => session.readSweep(partition, timeout)),
  ]);
  const end = rules.scanEnd(bound, last?.savedAt);
  const upTo = savedBefore !== undefined && savedBefore <= end ? savedBefore - 1n : end;
  // What lies beyond the bound is read whatever the cutoff: a version of a wrong clock may be of any age.
  const cut = { after: upTo, before: latestOf([bound, upTo]) + 1n };
  const swept = (sweep?.ranges ?? []).filter((range) => range.after < upTo);
  const segments = segmentsBetween([...swept, cut], after, end);
  return new PartitionEntries(context, partition, { bound: upTo, sweep, segments }, signal);
}

/**
 * A partition's entries in order: a page of them at hand, and the next on its way. It gets through ranges that are full of
 * tombstones and not swept yet: if a read meets more than the server allows, it halves the range until a read succeeds, and
 * doubles it after each success.
 */
export class PartitionEntries {
  readonly partition: Partition;
  readonly extent: Extent;
  /** The gaps between the entries that were read. */
  readonly gaps: GapFinder;
  /** What was read last. */
  page: readonly LedgerEntry[] = [];
  /** Whether reads met many tombstones. */
  isHeavy = false;
  readonly #context: LedgerContext;
  readonly #signal: AbortSignal | undefined;
  readonly #unread: { after: LedgerPlace; readonly upTo: Version }[];
  /** How much is read at once, in versions. */
  #width: Version = MAX_VERSION;
  #index = 0;
  /** The page after the current one; undefined at the end. */
  #next: Promise<readonly LedgerEntry[]> | undefined;

  constructor(context: LedgerContext, partition: Partition, extent: Extent, signal: AbortSignal | undefined) {
    this.partition = partition;
    this.extent = extent;
    this.gaps = new GapFinder(extent.sweep);
    this.#context = context;
    this.#signal = signal;
    // No id is empty, so that this lies before all entries of the segment.
    this.#unread = extent.segments.map(({ from, upTo }) => ({ after: { savedAt: from, id: "" }, upTo }));
    this.#readAhead();
  }

  get head(): LedgerEntry | undefined {
    return this.page[this.#index];
  }

  /** Whether there is a head; turns to the next page if it has to. */
  async fill(): Promise<boolean> {
    if (this.head === undefined && this.#next !== undefined) {
      this.page = await this.#next;
      this.#index = 0;
      this.#next = undefined;
      if (this.page.length === this.#context.entriesPerRead) this.#readAhead();
      for (const { savedAt } of this.page) this.gaps.note(savedAt);
    }
    return this.head !== undefined;
  }

  /** There is a head. */
  take(): PlacedEntry {
    const { savedAt, id, size } = this.page[this.#index++] as LedgerEntry;
    return { savedAt, id, size, source: this };
  }

  #readAhead(): void {
    this.#next = this.#readPage();
    this.#next.catch(() => undefined); // it is reported when its turn comes
  }

  /** The next entries; less than a page only at the end. */
  async #readPage(): Promise<readonly LedgerEntry[]> {
    const { entriesPerRead } = this.#context;
    const found: LedgerEntry[] = [];
    for (let [segment] = this.#unread; segment && found.length < entriesPerRead; [segment] = this.#unread) {
      const { after } = segment;
      const widest = after.savedAt + this.#width;
      const upTo = widest < segment.upTo ? widest : segment.upTo;
      const limit = entriesPerRead - found.length;
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
    const { runtime, policy, session } = this.#context;
    const read = (timeout: number) => session.readEntries(this.partition, range, timeout);
    try {
      const { entries, isHeavy } = await retryAttempts(runtime, policy, this.#signal, read);
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
