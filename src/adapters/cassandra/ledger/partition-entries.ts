import type { AllOptions } from "../../../adapter/adapter.js";
import { latestOf, type Version } from "../../../core/version.js";
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
import { GapFinder, segmentsBetween } from "./swept-ranges.js";

type EntriesOptions = Pick<AllOptions, "savedBefore" | "after" | "signal">;

/** An entry of the ledger, and where it was read. */
export interface PlacedEntry extends LedgerEntry {
  readonly source: PartitionEntries;
}

/** A partition's entries in order: a page of them at hand, and the next on its way. It also gets through what is not swept yet. */
export class PartitionEntries {
  readonly partition: Partition;
  /** What the last sweep recorded. This and the next two are known when the first entry is. */
  sweep: SweepRecord | undefined;
  /** Every entry up to here is read; later ones are only those of wrong clocks. */
  bound: Version = 0n;
  /** The gaps between the entries that were read. */
  gaps = new GapFinder();
  /** What was read last. */
  page: readonly LedgerEntry[] = [];
  /** Whether reads met many tombstones. */
  isHeavy = false;
  readonly #context: LedgerContext;
  readonly #options: EntriesOptions;
  #unread: { after: LedgerPlace; readonly upTo: Version }[] = [];
  #index = 0;
  /** The page after the current one; undefined at the end. */
  #next: Promise<readonly LedgerEntry[]> | undefined;

  /** Begins to read. */
  constructor(context: LedgerContext, partition: Partition, start: ScanStart, options: EntriesOptions) {
    this.partition = partition;
    this.#context = context;
    this.#options = options;
    this.#readAhead(async () => {
      await this.#open(start);
      return this.#readPage();
    });
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
      if (this.page.length === this.#context.entriesPerRead) this.#readAhead(() => this.#readPage());
      for (const { savedAt } of this.page) this.gaps.note(savedAt);
    }
    return this.head !== undefined;
  }

  /** There is a head. */
  take(): PlacedEntry {
    const { savedAt, id, size } = this.page[this.#index++] as LedgerEntry;
    return { savedAt, id, size, source: this };
  }

  #readAhead(read: () => Promise<readonly LedgerEntry[]>): void {
    this.#next = read();
    this.#next.catch(() => undefined); // it is reported when its turn comes
  }

  /** Finds what has to be read. */
  async #open({ host }: ScanStart): Promise<void> {
    const { rules, limits, session, read } = this.#context;
    const { savedBefore, after = 0n, signal } = this.#options;
    const bound = rules.scanBound(host, limits);
    const [last, sweep] = await Promise.all([
      read(signal, (timeout) => session.readLastEntry(this.partition, bound, timeout)),
      read(signal, (timeout) => session.readSweep(this.partition, timeout)),
    ]);
    const end = rules.scanEnd(bound, last?.savedAt);
    const upTo = savedBefore !== undefined && savedBefore <= end ? savedBefore - 1n : end;
    const swept = (sweep?.ranges ?? []).filter((range) => range.after < upTo);
    // What lies beyond the bound is read whatever the cutoff: a version of a wrong clock may be of any age.
    const cut = { after: upTo, before: latestOf([bound, upTo]) + 1n };
    this.sweep = sweep;
    this.bound = upTo;
    this.gaps = new GapFinder(sweep);
    // No id is empty, so that this lies before all entries of the segment.
    this.#unread = segmentsBetween([...swept, cut], after, end).map(({ from, upTo }) => ({
      after: { savedAt: from, id: "" },
      upTo,
    }));
  }

  /** The next entries; less than a page only at the end. */
  async #readPage(): Promise<readonly LedgerEntry[]> {
    const { entriesPerRead } = this.#context;
    const found: LedgerEntry[] = [];
    for (let [segment] = this.#unread; segment && found.length < entriesPerRead; [segment] = this.#unread) {
      const limit = entriesPerRead - found.length;
      const entries = await this.#readRange({ ...segment, limit });
      found.push(...entries);
      if (entries.length < limit) this.#unread.shift();
      else segment.after = entries.at(-1) as LedgerEntry;
    }
    return found;
  }

  /** The entries of a range; if it has more tombstones than the server allows, of one half of it, and then of the other. */
  async #readRange(range: EntryRange): Promise<readonly LedgerEntry[]> {
    const { runtime, policy, session } = this.#context;
    const { after, upTo, limit } = range;
    const read = (timeout: number) => session.readEntries(this.partition, range, timeout);
    try {
      const { entries, isHeavy } = await retryAttempts(runtime, policy, this.#options.signal, read);
      this.isHeavy ||= isHeavy;
      return entries;
    } catch (error) {
      const isTombstones = error instanceof SessionError && error.kind === "tombstones";
      // A range of one microsecond can't be made smaller.
      if (!isTombstones || upTo <= after.savedAt) throw toTaskError(error);
    }
    this.isHeavy = true;
    const middle = (after.savedAt + upTo) / 2n;
    const found = await this.#readRange({ after, upTo: middle, limit });
    if (found.length === limit) return found;
    const rest = { after: { savedAt: middle + 1n, id: "" }, upTo, limit: limit - found.length };
    return [...found, ...(await this.#readRange(rest))];
  }
}
