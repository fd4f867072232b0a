import type { AllOptions, StoredTask } from "../../../adapter/adapter.js";
import { abortWith, throwIfAborted } from "../../../core/abort.js";
import { chunks, forEachConcurrently } from "../../../core/concurrency.js";
import { latestOf, type Version } from "../../../core/version.js";
import type { Partition } from "../model/partition.js";
import { retryRead, toTaskError } from "../retry.js";
import type { LedgerContext } from "./context.js";
import { EntryReader } from "./entry-reader.js";
import { ListScan } from "./list-scan.js";
import { MergedEntries, PartitionEntries, type PlacedEntry } from "./partition-entries.js";
import type { ScanStart, Successor } from "./rules.js";
import { segmentsAfter, segmentsBetween } from "./swept-ranges.js";
import type { LedgerWriter } from "./writer.js";

/** Number of entries read at once from a partition, and as many ahead, unless there are too many partitions: entries are small. */
const ENTRIES_PER_READ = { most: 500, least: 8, ofAllPartitions: 32_000 };

/** Number of entries to read at once from one of several partitions. */
export function defaultEntriesPerRead(shards: number): number {
  const { most, least, ofAllPartitions } = ENTRIES_PER_READ;
  return Math.max(least, Math.min(most, Math.floor(ofAllPartitions / shards)));
}

/** Maximum number of queries in flight; reads of the partitions' next entries are not counted. */
const CONCURRENCY = 32;

/** Maximum number of ids in one query. */
const IDS_PER_READ = 256;

/** Called for each partition that a scan has read to its end. */
export type OnPartitionRead = (entries: PartitionEntries, start: ScanStart) => void;

/** The parameters of a scan. */
type ScanOptions = Pick<AllOptions, "savedBefore" | "after" | "signal">;

/** Reads lists by the rules of reading, and removes on the way what the rules of removing allow. */
export class LedgerReader {
  readonly #context: LedgerContext;
  readonly #writer: LedgerWriter;
  readonly #entriesPerRead: number;

  constructor(context: LedgerContext, writer: LedgerWriter, entriesPerRead: number) {
    this.#context = context;
    this.#writer = writer;
    this.#entriesPerRead = entriesPerRead;
  }

  /** The open tasks of a list, oldest first, a page at a time; no version twice. One page is read ahead. */
  async *all(
    taskList: string,
    options: AllOptions,
    onRead: OnPartitionRead,
  ): AsyncGenerator<readonly StoredTask[], void, undefined> {
    const { rules, limits, closing } = this.#context;
    const left = new AbortController();
    const releases = [options.signal, closing].map((signal) => abortWith(left, signal));
    const scan = new ListScan(this.scanStart(), options.savedBefore, rules, limits);
    const ahead = { ...options, signal: left.signal };
    let next: Promise<readonly StoredTask[]> | undefined;
    try {
      const entries = await this.#entries(taskList, scan, ahead, onRead);
      next = this.#nextPage(entries, scan, ahead);
      for (;;) {
        const page = await next;
        throwIfAborted(left.signal);
        if (page.length === 0) return;
        next = this.#nextPage(entries, scan, ahead);
        next.catch(() => undefined); // it is reported when its turn comes
        yield page;
      }
    } catch (error) {
      throw closing.aborted ? closing.reason : toTaskError(error, false, { taskList });
    } finally {
      for (const release of releases) release();
      left.abort();
      await next?.catch(() => undefined);
    }
  }

  /** Finds where a scan of a partition ends, and begins to read its entries. */
  async open(
    partition: Partition,
    { host }: ScanStart,
    { savedBefore, after = 0n, signal }: ScanOptions,
  ): Promise<PartitionEntries> {
    const { rules, limits, session } = this.#context;
    const bound = rules.scanBound(host, limits);
    const [last, sweep] = await Promise.all([
      this.#retry(signal, (timeout) => session.readLastEntry(partition, bound, timeout)),
      this.#retry(signal, (timeout) => session.readSweep(partition, timeout)),
    ]);
    const end = rules.scanEnd(bound, last?.savedAt);
    const upTo = savedBefore !== undefined && savedBefore <= end ? savedBefore - 1n : end;
    // Tasks with a version of a wrong clock may be of any age.
    const beyond = { from: latestOf([bound, upTo]) + 1n, upTo: end };
    const all = [...segmentsBetween(sweep?.ranges ?? [], upTo), ...(beyond.from <= end ? [beyond] : [])];
    const reader = new EntryReader(segmentsAfter(all, after), (range) =>
      this.#retry(signal, (timeout) => session.readEntries(partition, range, timeout)),
    );
    return new PartitionEntries(partition, upTo, sweep, reader, this.#entriesPerRead);
  }

  /** Whether the beginning of a partition, as far as one read goes, holds many tombstones. */
  async isHeavy(partition: Partition, signal: AbortSignal | undefined): Promise<boolean> {
    const entries = await this.open(partition, this.scanStart(), { signal });
    await entries.fill();
    return entries.isHeavy;
  }

  /** The clocks; must be read before the first read that is judged by them. */
  scanStart(): ScanStart {
    return { host: this.#context.runtime.clock.now(), server: this.#context.guard.serverNow() };
  }

  async #entries(
    taskList: string,
    { start }: ListScan,
    options: ScanOptions,
    onRead: OnPartitionRead,
  ): Promise<MergedEntries> {
    // What lies between `after` and the first entry that is read was not looked at: nothing may be swept.
    const isWhole = options.after === undefined;
    const merged = new MergedEntries((entries) => {
      if (isWhole) onRead(entries, start);
    });
    const partitions = Array.from({ length: this.#context.shards }, (_, shard) => ({ taskList, shard }));
    await forEachConcurrently(partitions, CONCURRENCY, async (partition) =>
      merged.add(await this.open(partition, start, options)),
    );
    return merged;
  }

  /** The next page that is not empty; an empty one at the end. */
  async #nextPage(entries: MergedEntries, scan: ListScan, options: AllOptions): Promise<readonly StoredTask[]> {
    for (;;) {
      const some = await takeEntries(entries, options);
      if (some.length === 0) return [];
      const page = await this.#readPage(some, scan, options);
      if (page.length > 0) return page;
    }
  }

  async #readPage(
    entries: readonly PlacedEntry[],
    scan: ListScan,
    options: AllOptions,
  ): Promise<readonly StoredTask[]> {
    const { rules } = this.#context;
    const rows = await this.#readRows(entries, options);
    const page: StoredTask[] = [];
    for (const entry of entries) {
      const row = rows.get(entry.id);
      const isReplaced = row !== undefined && row.savedAt > entry.savedAt;
      const successor = isReplaced ? await this.#successor(entry, row.savedAt, options.signal) : undefined;
      const verdict = rules.judge(entry, row?.savedAt, successor);
      if (row && scan.yields(entry, row.savedAt, verdict, this.#horizon)) page.push(row);
      this.#clean(entry, row?.savedAt, successor, scan);
    }
    return page;
  }

  /** The task rows of the entries, by id. The versions that this process makes from now on are later than theirs. */
  async #readRows(
    entries: readonly PlacedEntry[],
    { signal, withoutBodies }: AllOptions,
  ): Promise<ReadonlyMap<string, StoredTask>> {
    const ids = new Map<Partition, Set<string>>();
    for (const { source, id } of entries) {
      const known = ids.get(source.partition);
      if (known) known.add(id);
      else ids.set(source.partition, new Set([id]));
    }
    const reads = [...ids].flatMap(([partition, all]) =>
      chunks([...all], IDS_PER_READ).map((some) => ({ partition, some })),
    );
    const rows = new Map<string, StoredTask>();
    await forEachConcurrently(reads, CONCURRENCY, async ({ partition, some }) => {
      const read = (timeout: number) => this.#context.session.readTasks(partition, some, timeout, withoutBodies);
      for (const row of await this.#retry(signal, read)) {
        this.#context.runtime.clock.observe(row.savedAt);
        rows.set(row.id, row);
      }
    });
    return rows;
  }

  /** What the scan knows of the entry of the version that replaced this one. */
  async #successor(
    { source, page, id }: PlacedEntry,
    version: Version,
    signal: AbortSignal | undefined,
  ): Promise<Successor> {
    const place = { savedAt: version, id };
    // Entries are taken ahead of their tasks: the source may have read on since this one was.
    const atHand = page.has(place) || source.lastPage.has(place);
    const look = (timeout: number) => this.#context.session.hasEntry(source.partition, place, timeout);
    return { atHand, found: atHand || (await this.#retry(signal, look)) };
  }

  #clean(
    entry: PlacedEntry,
    version: Version | undefined,
    successor: Successor | undefined,
    { removalLimit }: ListScan,
  ): void {
    const { rules, limits } = this.#context;
    const { partition } = entry.source;
    if (version === undefined) {
      if (rules.mayRemoveAbsent(entry, removalLimit)) this.#writer.removeAbsent(partition, entry);
    } else if (successor && rules.mayRemoveReplaced(version, successor.found, this.#latestClock(), limits))
      this.#writer.removeReplaced(partition, entry);
  }

  readonly #horizon = () => this.#context.rules.scanBound(this.#latestClock(), this.#context.limits);

  /** By a clock that is slow, an old version would seem young. */
  #latestClock(): Version {
    return latestOf([this.#context.runtime.clock.now(), this.#context.guard.serverNow()]);
  }

  #retry<T>(signal: AbortSignal | undefined, read: (timeout: number) => Promise<T>): Promise<T> {
    return retryRead(this.#context.runtime, this.#context.policy, signal, read);
  }
}

/** The entries of the next page: as many as fit by number and size, at least one. */
async function takeEntries(entries: MergedEntries, { pageSize, maxPageBytes }: AllOptions): Promise<PlacedEntry[]> {
  const taken: PlacedEntry[] = [];
  let bytes = 0;
  while (taken.length < pageSize) {
    const head = entries.head ?? (await entries.fill());
    if (head === undefined) break;
    bytes += head.size;
    if (bytes > maxPageBytes && taken.length > 0) break;
    taken.push(entries.take());
  }
  return taken;
}
