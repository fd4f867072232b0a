import type { Version } from "../../version.js";
import type { LedgerPlace } from "./rules.js";
import type { LedgerEntry } from "./session.js";
import type { Partition } from "./shard.js";

/** An entry of the ledger with what a pass has to know of its surroundings. */
export interface PlacedEntry extends LedgerEntry {
  readonly partition: Partition;
  readonly page: EntryPage;
}

/** The entries of a partition that were read together, and where that part of the ledger ends. */
export class EntryPage {
  /** What lies past this is still to be read. */
  readonly end: Version;
  /** Where the pass ends. */
  readonly bound: Version;
  readonly #places: ReadonlySet<string>;

  constructor(places: readonly LedgerPlace[], end: Version, bound: Version) {
    this.end = end;
    this.bound = bound;
    this.#places = new Set(places.map(placeKey));
  }

  has(place: LedgerPlace): boolean {
    return this.#places.has(placeKey(place));
  }
}

export function placeKey({ savedAt, id }: LedgerPlace): string {
  return `${savedAt} ${id}`;
}

/** Reads the entries of a partition past a place, in order, up to a bound. */
export type ReadEntries = (partition: Partition, after: LedgerPlace, upTo: Version) => Promise<readonly LedgerEntry[]>;

const FIRST: LedgerPlace = { savedAt: 0n, id: "" };

/** A partition's entries in order, read a page at a time when the last is used up. */
class EntryStream {
  readonly #partition: Partition;
  readonly #bound: Version;
  readonly #read: ReadEntries;
  readonly #limit: number;
  #entries: readonly LedgerEntry[] = [];
  #page: EntryPage | undefined;
  #index = 0;
  #ended = false;

  constructor(partition: Partition, bound: Version, limit: number, read: ReadEntries) {
    this.#partition = partition;
    this.#bound = bound;
    this.#limit = limit;
    this.#read = read;
  }

  get head(): LedgerEntry | undefined {
    return this.#entries[this.#index];
  }

  /** Whether there is a head; reads the next page if it has to. */
  async fill(): Promise<boolean> {
    if (this.head === undefined && !this.#ended) await this.#nextPage();
    return this.head !== undefined;
  }

  take(): PlacedEntry {
    const entry = this.#entries[this.#index++] as LedgerEntry;
    return { ...entry, partition: this.#partition, page: this.#page as EntryPage };
  }

  async #nextPage(): Promise<void> {
    this.#entries = await this.#read(this.#partition, this.#entries.at(-1) ?? FIRST, this.#bound);
    this.#ended = this.#entries.length < this.#limit;
    const end = this.#ended ? this.#bound : (this.#entries.at(-1) as LedgerEntry).savedAt;
    this.#page = new EntryPage(this.#entries, end, this.#bound);
    this.#index = 0;
  }
}

export interface MergeOptions {
  /** How many entries a page has, unless it is the last. */
  readonly pageSize: number;
  /** How many partitions are asked at once at the start. */
  readonly concurrency: number;
}

/** The entries of all partitions of a list in one order. `boundOf` tells where each partition's pass ends. */
export async function* mergeEntries(
  partitions: readonly Partition[],
  boundOf: (partition: Partition) => Promise<Version>,
  read: ReadEntries,
  { pageSize, concurrency }: MergeOptions,
): AsyncGenerator<PlacedEntry, void, undefined> {
  const heap = new StreamHeap();
  await forEachConcurrently(partitions, concurrency, async (partition) => {
    const stream = new EntryStream(partition, await boundOf(partition), pageSize, read);
    if (await stream.fill()) heap.push(stream);
  });
  for (let first = heap.first; first !== undefined; first = heap.first) {
    yield first.take();
    if (first.head !== undefined || (await first.fill())) heap.siftFirst();
    else heap.removeFirst();
  }
}

export async function forEachConcurrently<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}

/** A binary heap of streams, the one with the oldest head first. */
class StreamHeap {
  readonly #streams: EntryStream[] = [];

  get first(): EntryStream | undefined {
    return this.#streams[0];
  }

  push(stream: EntryStream): void {
    this.#streams.push(stream);
    for (let i = this.#streams.length - 1; i > 0 && this.#isBefore(i, (i - 1) >> 1); i = (i - 1) >> 1)
      this.#swap(i, (i - 1) >> 1);
  }

  /** The first stream has another head. */
  siftFirst(): void {
    for (let i = 0; ; ) {
      const least = [2 * i + 1, 2 * i + 2].reduce((best, child) => (this.#isBefore(child, best) ? child : best), i);
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  removeFirst(): void {
    const last = this.#streams.pop();
    if (last === undefined || this.#streams.length === 0) return;
    this.#streams[0] = last;
    this.siftFirst();
  }

  #isBefore(a: number, b: number): boolean {
    const [left, right] = [this.#streams[a]?.head, this.#streams[b]?.head];
    return left !== undefined && right !== undefined && left.savedAt < right.savedAt;
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#streams[a] as EntryStream, this.#streams[b] as EntryStream];
    this.#streams[a] = right;
    this.#streams[b] = left;
  }
}
