import type { Version } from "../../core/version.js";
import type { EntryScan } from "./entry-scan.js";
import type { LedgerPlace } from "./rules.js";
import type { LedgerEntry } from "./session.js";
import type { Partition } from "./shard.js";
import { GapFinder } from "./stretches.js";

/** An entry of the ledger with what a pass has to know of its surroundings. */
export interface PlacedEntry extends LedgerEntry {
  readonly stream: EntryStream;
  readonly page: EntryPage;
}

/** Entries of a partition that were read together. */
export class EntryPage {
  readonly #entries: readonly LedgerPlace[];
  #places: ReadonlySet<string> | undefined;

  constructor(entries: readonly LedgerPlace[]) {
    this.#entries = entries;
  }

  has(place: LedgerPlace): boolean {
    this.#places ??= new Set(this.#entries.map(placeKey));
    return this.#places.has(placeKey(place));
  }
}

export function placeKey({ savedAt, id }: LedgerPlace): string {
  return `${savedAt} ${id}`;
}

/** A partition's entries in order, a page of them at hand, and the next on its way. */
export class EntryStream {
  readonly partition: Partition;
  /** Up to where the pass reads every entry; past it, at most those of wild clocks. */
  readonly bound: Version;
  /** The gaps between the entries that were read. */
  readonly gaps: GapFinder;
  readonly #scan: EntryScan;
  readonly #pageSize: number;
  #entries: readonly LedgerEntry[] = [];
  #page: EntryPage | undefined;
  #index = 0;
  /** What comes after the entries at hand, on its way. */
  #next: Promise<readonly LedgerEntry[]> | undefined;
  #ended = false;

  constructor(partition: Partition, bound: Version, sweptTo: Version, scan: EntryScan, pageSize: number) {
    this.partition = partition;
    this.gaps = new GapFinder(sweptTo);
    this.bound = bound;
    this.#scan = scan;
    this.#pageSize = pageSize;
  }

  get head(): LedgerEntry | undefined {
    return this.#entries[this.#index];
  }

  /** Whether reading met many tombstones. */
  get isHeavy(): boolean {
    return this.#scan.isHeavy;
  }

  /** What was read last. */
  get lastPage(): EntryPage {
    return this.#page as EntryPage;
  }

  /** Whether there is a head; reads the next page if it has to. */
  async fill(): Promise<boolean> {
    if (this.head === undefined && !this.#ended) await this.#turnTo(this.#next ?? this.#readAhead());
    return this.head !== undefined;
  }

  take(): PlacedEntry {
    const { savedAt, id, size } = this.#entries[this.#index++] as LedgerEntry;
    return { savedAt, id, size, stream: this, page: this.lastPage };
  }

  async #turnTo(next: Promise<readonly LedgerEntry[]>): Promise<void> {
    this.#entries = await next;
    this.#ended = this.#entries.length < this.#pageSize;
    this.#next = this.#ended ? undefined : this.#readAhead();
    for (const { savedAt } of this.#entries) this.gaps.fence(savedAt);
    this.#page = new EntryPage(this.#entries);
    this.#index = 0;
  }

  #readAhead(): Promise<readonly LedgerEntry[]> {
    const next = this.#scan.next(this.#pageSize);
    next.catch(() => undefined); // it is reported when its turn comes
    return next;
  }
}

/** The entries of several streams in one order. What is at hand is taken without a promise for each. */
export class EntryMerge {
  readonly #streams: StreamHeap;
  readonly #onEnd: (stream: EntryStream) => void;

  /** Each stream has a head. */
  constructor(streams: readonly EntryStream[], onEnd: (stream: EntryStream) => void) {
    this.#streams = new StreamHeap(streams);
    this.#onEnd = onEnd;
  }

  /** The next entry, if it is at hand. */
  get head(): LedgerEntry | undefined {
    return this.#streams.first?.head;
  }

  /** The next entry; reads on, if it has to. Undefined at the end. */
  async fill(): Promise<LedgerEntry | undefined> {
    for (;;) {
      const first = this.#streams.first;
      if (first === undefined || first.head !== undefined) return first?.head;
      if (await first.fill()) this.#streams.siftFirst();
      else {
        this.#streams.removeFirst();
        this.#onEnd(first);
      }
    }
  }

  /** There is a head. */
  take(): PlacedEntry {
    const first = this.#streams.first as EntryStream;
    const entry = first.take();
    if (first.head !== undefined) this.#streams.siftFirst();
    return entry;
  }
}

/** A binary heap of streams, the one with the oldest head first. */
class StreamHeap {
  readonly #streams: EntryStream[] = [];

  constructor(streams: readonly EntryStream[]) {
    for (const stream of streams) this.#push(stream);
  }

  get first(): EntryStream | undefined {
    return this.#streams[0];
  }

  /** The first stream has another head. */
  siftFirst(): void {
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      const child = this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(child, i)) return;
      this.#swap(i, child);
      i = child;
    }
  }

  removeFirst(): void {
    const last = this.#streams.pop();
    if (last === undefined || this.#streams.length === 0) return;
    this.#streams[0] = last;
    this.siftFirst();
  }

  #push(stream: EntryStream): void {
    this.#streams.push(stream);
    for (let i = this.#streams.length - 1; i > 0 && this.#isBefore(i, (i - 1) >> 1); i = (i - 1) >> 1)
      this.#swap(i, (i - 1) >> 1);
  }

  #isBefore(a: number, b: number): boolean {
    const left = this.#streams[a]?.head;
    const right = this.#streams[b]?.head;
    return left !== undefined && right !== undefined && left.savedAt < right.savedAt;
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#streams[a] as EntryStream, this.#streams[b] as EntryStream];
    this.#streams[a] = right;
    this.#streams[b] = left;
  }
}
