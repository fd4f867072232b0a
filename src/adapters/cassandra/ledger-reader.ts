import type { AllOptions, StoredTask } from "../../adapter/adapter.js";
import { abortWith, throwIfAborted } from "../../core/abort.js";
import { chunks, forEachConcurrently } from "../../core/concurrency.js";
import { latestOf, type Version } from "../../core/version.js";
import type { ClockGuard } from "./clock.js";
import { EntryScan } from "./entry-scan.js";
import { EntryMerge, EntryStream, type PlacedEntry } from "./entry-stream.js";
import type { Host } from "./host.js";
import type { LedgerWriter } from "./ledger-writer.js";
import { Pass, type StartOfPass } from "./pass.js";
import { type RetryPolicy, retryRead } from "./retry.js";
import type { LedgerLimits, LedgerRules, Successor } from "./rules.js";
import type { LedgerSession } from "./session.js";
import type { Partition } from "./shard.js";
import { type Sweep, segmentsBetween } from "./stretches.js";

/** Entries are small: so many are read at once from a partition, and as many ahead, if all partitions do not hold too many. */
const ENTRIES_A_READ = { most: 500, least: 8, ofAllPartitions: 32_000 };

/** How many entries are read at once from one of so many partitions. */
export function entriesARead(shards: number): number {
  const { most, least, ofAllPartitions } = ENTRIES_A_READ;
  return Math.max(least, Math.min(most, Math.floor(ofAllPartitions / shards)));
}

/** Queries that are under way at once; the next entries of the partitions are read besides. */
const CONCURRENCY = 32;

/** Ids that one query names. */
const IDS_A_READ = 256;

export interface LedgerReaderOptions {
  readonly policy: RetryPolicy;
  readonly shards: number;
  readonly limits: LedgerLimits;
  readonly rules: LedgerRules;
  readonly entriesPerRead: number;
}

/** Told of each partition that a pass has read to its end. */
export type OnPartitionRead = (stream: EntryStream, known: Sweep | undefined, start: StartOfPass) => void;

/** Reads lists by the rules of reading, and removes on the way what the rules of removing allow. */
export class LedgerReader {
  readonly #session: LedgerSession;
  readonly #host: Host;
  readonly #guard: ClockGuard;
  readonly #writer: LedgerWriter;
  readonly #options: LedgerReaderOptions;

  constructor(
    session: LedgerSession,
    host: Host,
    guard: ClockGuard,
    writer: LedgerWriter,
    options: LedgerReaderOptions,
  ) {
    this.#session = session;
    this.#host = host;
    this.#guard = guard;
    this.#writer = writer;
    this.#options = options;
  }

  /** The open tasks of a list, oldest first, a page at a time; no version twice. One page is read ahead. */
  async *all(
    taskList: string,
    options: AllOptions,
    onRead: OnPartitionRead,
  ): AsyncGenerator<readonly StoredTask[], void, undefined> {
    const { rules, limits } = this.#options;
    const left = new AbortController();
    const release = abortWith(left, options.signal);
    const horizon = () => {
      const { before, serverBefore } = this.startOfPass();
      return rules.passBound(before > serverBefore ? before : serverBefore, limits);
    };
    const pass = new Pass(this.startOfPass(), { ...options, signal: left.signal }, rules, limits, horizon);
    let next: Promise<readonly StoredTask[]> | undefined;
    try {
      const entries = await this.#entries(taskList, pass, onRead);
      next = this.#nextPage(entries, pass);
      for (;;) {
        const page = await next;
        throwIfAborted(options.signal);
        if (page.length === 0) return;
        next = this.#nextPage(entries, pass);
        next.catch(() => undefined); // it is reported when its turn comes
        yield page;
      }
    } finally {
      release();
      left.abort();
      await next?.catch(() => undefined);
    }
  }

  /** Reads a partition's entries up to where a pass that begins now would end; not the tasks. */
  async readEntries(
    partition: Partition,
    start: StartOfPass,
    signal: AbortSignal | undefined,
    onRead: OnPartitionRead,
  ): Promise<number> {
    const { stream, known } = await this.#open(partition, start, { signal });
    let count = 0;
    for (; await stream.fill(); count++) stream.take();
    onRead(stream, known, start);
    return count;
  }

  /** The clocks, to be read before the first read that is judged by them. */
  startOfPass(): StartOfPass {
    return { before: this.#host.clock.now(), serverBefore: this.#guard.serverNow() };
  }

  async #entries(taskList: string, pass: Pass, onRead: OnPartitionRead): Promise<EntryMerge> {
    const known = new Map<EntryStream, Sweep | undefined>();
    const onEnd = (stream: EntryStream) => onRead(stream, known.get(stream), pass.start);
    const partitions = Array.from({ length: this.#options.shards }, (_, shard) => ({ taskList, shard }));
    const streams: EntryStream[] = [];
    await forEachConcurrently(partitions, CONCURRENCY, async (partition) => {
      const opened = await this.#open(partition, pass.start, pass.options);
      known.set(opened.stream, opened.known);
      if (await opened.stream.fill()) streams.push(opened.stream);
      else onEnd(opened.stream);
    });
    return new EntryMerge(streams, onEnd);
  }

  /** Finds where a pass over a partition ends, and what of it was swept. */
  async #open(
    partition: Partition,
    { before }: StartOfPass,
    options: Pick<AllOptions, "savedBefore" | "signal">,
  ): Promise<{ stream: EntryStream; known: Sweep | undefined }> {
    const { rules, limits } = this.#options;
    const { savedBefore, signal } = options;
    const bound = rules.passBound(before, limits);
    const [last, known] = await Promise.all([
      this.#retry(signal, (timeout) => this.#session.readLastEntry(partition, bound, timeout)),
      this.#retry(signal, (timeout) => this.#session.readSweep(partition, timeout)),
    ]);
    const end = rules.passEnd(bound, last?.savedAt);
    const upTo = savedBefore !== undefined && savedBefore <= end ? savedBefore - 1n : end;
    // A wild clock's tasks may be of any age.
    const beyond = { from: latestOf([bound, upTo]) + 1n, upTo: end };
    const segments = [...segmentsBetween(known?.stretches ?? [], upTo), ...(beyond.from <= end ? [beyond] : [])];
    const scan = new EntryScan(segments, (range) =>
      this.#retry(signal, (timeout) => this.#session.readEntries(partition, range, timeout)),
    );
    const { entriesPerRead } = this.#options;
    return { stream: new EntryStream(partition, upTo, known?.sweptTo ?? 0n, scan, entriesPerRead), known };
  }

  /** The next page that is not empty; an empty one at the end. */
  async #nextPage(entries: EntryMerge, pass: Pass): Promise<readonly StoredTask[]> {
    for (;;) {
      const some = await takeEntries(entries, pass.options);
      if (some.length === 0) return [];
      const page = await this.#readPage(some, pass);
      if (page.length > 0) return page;
    }
  }

  async #readPage(entries: readonly PlacedEntry[], pass: Pass): Promise<readonly StoredTask[]> {
    const rows = await this.#readRows(entries, pass);
    const page: StoredTask[] = [];
    for (const entry of entries) {
      const row = rows.get(entry.id);
      const isReplaced = row !== undefined && row.savedAt > entry.savedAt;
      const successor = isReplaced ? await this.#successor(entry, row.savedAt, pass) : undefined;
      const verdict = this.#options.rules.judge(entry, row?.savedAt, successor);
      if (row && verdict !== "skip" && pass.yields(entry, row.savedAt, verdict))
        page.push(pass.options.withoutBodies ? { ...row, body: new Uint8Array() } : row);
      this.#clean(entry, row?.savedAt, successor, pass);
    }
    return page;
  }

  /** The task rows of the entries, by id. */
  async #readRows(entries: readonly PlacedEntry[], pass: Pass): Promise<ReadonlyMap<string, StoredTask>> {
    const ids = new Map<EntryStream, Set<string>>();
    for (const { stream, id } of entries) ids.set(stream, (ids.get(stream) ?? new Set()).add(id));
    const reads = [...ids].flatMap(([{ partition }, all]) =>
      chunks([...all], IDS_A_READ).map((some) => ({ partition, some })),
    );
    const rows = new Map<string, StoredTask>();
    await forEachConcurrently(reads, CONCURRENCY, async ({ partition, some }) => {
      const read = (timeout: number) => this.#session.readTasks(partition, some, timeout);
      for (const row of await this.#retry(pass.options.signal, read)) rows.set(row.id, this.#meet(row));
    });
    return rows;
  }

  /** The versions that this process makes from now on are later than the row's. */
  #meet(row: StoredTask): StoredTask {
    this.#host.clock.observe(row.savedAt);
    return row;
  }

  /** What is known of the entry of the version that replaced this one. */
  async #successor(entry: PlacedEntry, version: Version, pass: Pass): Promise<Successor> {
    const { partition, lastPage } = entry.stream;
    const place = { savedAt: version, id: entry.id };
    // Entries are taken ahead of their tasks: the stream may have read on since this one was.
    const atHand = entry.page.has(place) || lastPage.has(place);
    const look = (timeout: number) => this.#session.hasEntry(partition, place, timeout);
    const found = atHand || (await this.#retry(pass.options.signal, look));
    return { atHand, found };
  }

  #clean(entry: PlacedEntry, version: Version | undefined, successor: Successor | undefined, pass: Pass): void {
    const { rules, limits } = this.#options;
    const { partition } = entry.stream;
    if (version === undefined) {
      const limit = pass.removalLimit(this.#host.clock.now());
      if (rules.mayRemoveAbsent(entry, limit)) this.#writer.removeAbsent(partition, entry);
    } else if (successor) {
      // By a clock that is slow, an old version would seem young.
      const latest = latestOf([this.#host.clock.now(), this.#guard.serverNow()]);
      if (rules.mayRemoveReplaced(version, successor.found, latest, limits))
        this.#writer.removeReplaced(partition, entry);
    }
  }

  #retry<T>(signal: AbortSignal | undefined, read: (timeout: number) => Promise<T>): Promise<T> {
    return retryRead(this.#host, this.#options.policy, signal, read);
  }
}

/** The entries of the next page: as many as fit by their number and their sizes, at least one. */
async function takeEntries(entries: EntryMerge, { pageSize, maxPageBytes }: AllOptions): Promise<PlacedEntry[]> {
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
