import type { Version } from "../../../core/version.js";
import type { Partition } from "../model/partition.js";
import type { LedgerEntry, LedgerPlace, SweepRecord } from "../model/session.js";
import type { EntryReader } from "./entry-reader.js";
import { GapFinder } from "./swept-ranges.js";

/** An entry of the ledger, with what a scan must know about its neighbours. */
export interface PlacedEntry extends LedgerEntry {
  readonly source: PartitionEntries;
  readonly page: EntryPage;
}

/** Entries of a partition that were read together. */
export class EntryPage {
  readonly entries: readonly LedgerEntry[];
  #places: ReadonlySet<string> | undefined;

  constructor(entries: readonly LedgerEntry[]) {
    this.entries = entries;
  }

  has(place: LedgerPlace): boolean {
    this.#places ??= new Set(this.entries.map(placeKey));
    return this.#places.has(placeKey(place));
  }
}

export function placeKey({ savedAt, id }: LedgerPlace): string {
  return `${savedAt} ${id}`;
}

/** A partition's entries in order: a page of them at hand, and the next on its way. */
export class PartitionEntries {
  readonly partition: Partition;
  /** Every entry up to here is read; later ones are only those of wrong clocks. */
  readonly bound: Version;
  /** What the last sweep recorded. */
  readonly sweep: SweepRecord | undefined;
  /** The gaps between the entries that were read. */
  readonly gaps: GapFinder;
  readonly #reader: EntryReader;
  readonly #pageSize: number;
  #page = new EntryPage([]);
  #index = 0;
  /** The page after the current one; undefined at the end. */
  #next: Promise<readonly LedgerEntry[]> | undefined;

  constructor(
    partition: Partition,
    bound: Version,
    sweep: SweepRecord | undefined,
    reader: EntryReader,
    pageSize: number,
  ) {
    this.partition = partition;
    this.bound = bound;
    this.sweep = sweep;
    this.gaps = new GapFinder(sweep?.sweptTo ?? 0n);
    this.#reader = reader;
    this.#pageSize = pageSize;
    this.#next = this.#readAhead();
  }

  get head(): LedgerEntry | undefined {
    return this.#page.entries[this.#index];
  }

  /** Whether reading met many tombstones. */
  get isHeavy(): boolean {
    return this.#reader.isHeavy;
  }

  /** What was read last. */
  get lastPage(): EntryPage {
    return this.#page;
  }

  /** Whether there is a head; turns to the next page if it has to. */
  async fill(): Promise<boolean> {
    if (this.head === undefined && this.#next !== undefined) {
      const entries = await this.#next;
      this.#next = entries.length < this.#pageSize ? undefined : this.#readAhead();
      for (const { savedAt } of entries) this.gaps.note(savedAt);
      this.#page = new EntryPage(entries);
      this.#index = 0;
    }
    return this.head !== undefined;
  }

  /** There is a head. */
  take(): PlacedEntry {
    const { savedAt, id, size } = this.#page.entries[this.#index++] as LedgerEntry;
    return { savedAt, id, size, source: this, page: this.#page };
  }

  #readAhead(): Promise<readonly LedgerEntry[]> {
    const next = this.#reader.next(this.#pageSize);
    next.catch(() => undefined); // it is reported when its turn comes
    return next;
  }
}

/** The entries of several partitions in one order. */
export class MergedEntries {
  /** Those that have a head, the one with the oldest last. */
  readonly #sources: PartitionEntries[] = [];
  /** The one that was taken from last, if its page is at its end. */
  #empty: PartitionEntries | undefined;
  readonly #onEnd: (source: PartitionEntries) => void;

  constructor(onEnd: (source: PartitionEntries) => void) {
    this.#onEnd = onEnd;
  }

  /** Adds a partition, unless it is at its end. */
  async add(source: PartitionEntries): Promise<void> {
    if (!(await source.fill())) return this.#onEnd(source);
    this.#insert(source);
  }

  /** The next entry, if it is at hand. */
  get head(): LedgerEntry | undefined {
    return this.#empty ? undefined : this.#sources.at(-1)?.head;
  }

  /** The next entry; undefined at the end. */
  async fill(): Promise<LedgerEntry | undefined> {
    const empty = this.#empty;
    this.#empty = undefined;
    if (empty) await this.add(empty);
    return this.head;
  }

  /** There is a head. */
  take(): PlacedEntry {
    const source = this.#sources.pop() as PartitionEntries;
    const entry = source.take();
    if (source.head) this.#insert(source);
    else this.#empty = source;
    return entry;
  }

  #insert(source: PartitionEntries): void {
    const { savedAt } = source.head as LedgerEntry;
    let [low, high] = [0, this.#sources.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sources[middle]?.head?.savedAt ?? 0n) > savedAt) low = middle + 1;
      else high = middle;
    }
    this.#sources.splice(low, 0, source);
  }
}
