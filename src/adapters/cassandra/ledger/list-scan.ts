import type { AllOptions, StoredTask } from "../../../adapter/adapter.js";
import { chunks, forEachConcurrently } from "../../../core/concurrency.js";
import { latestOf, type Version } from "../../../core/version.js";
import type { Partition } from "../model/partition.js";
import type { LedgerEntry, LedgerPlace } from "../model/session.js";
import { retryRead } from "../retry.js";
import type { LedgerContext } from "./context.js";
import type { PartitionEntries, PlacedEntry } from "./partition-entries.js";
import type { ScanStart, Successor, Verdict } from "./rules.js";
import type { LedgerWriter } from "./writer.js";

/** Maximum number of queries in flight; reads of the partitions' next entries are not counted. */
const CONCURRENCY = 32;

/** Maximum number of ids in one query. */
const IDS_PER_READ = 256;

/**
 * One call of `all`: merges the entries of a list's partitions, reads their tasks, and yields and removes what the rules say. A
 * page is read at a time.
 */
export class ListScan {
  readonly #context: LedgerContext;
  readonly #writer: LedgerWriter;
  readonly #options: AllOptions;
  readonly #onEnd: (entries: PartitionEntries) => void;
  /** W, by the rule. */
  readonly #removalLimit: Version;
  /** Where it ends, unless there is a task of a wrong clock beyond it. */
  readonly #bound: Version;
  /** The partitions that have a head, the one with the oldest last. */
  readonly #sources: PartitionEntries[] = [];
  /** The one with the oldest head of all, or that was taken from last. */
  #current: PartitionEntries | undefined;
  /** What was yielded out of order: as many as tasks were overwritten meanwhile. */
  readonly #elsewhere = new Set<string>();
  /** The ids of the tasks that were yielded past the bound: those of a wrong clock, and those saved since. */
  readonly #pastBound = new Set<string>();

  /** `onEnd` is called for each partition that has been read to its end. */
  constructor(
    context: LedgerContext,
    writer: LedgerWriter,
    start: ScanStart,
    options: AllOptions,
    onEnd: (entries: PartitionEntries) => void,
  ) {
    const { host, server } = start;
    const { rules, limits } = context;
    this.#context = context;
    this.#writer = writer;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#removalLimit = rules.removalLimit(start, limits);
    // The earlier clock, for the one that is wrong may be this host's.
    this.#bound = rules.scanBound(host < server ? host : server, limits);
  }

  /** Adds a partition, unless it is at its end. */
  async add(source: PartitionEntries): Promise<void> {
    if (await source.fill()) this.#insert(source);
    else this.#onEnd(source);
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

  /** The next page that is not empty; an empty one at the end. */
  async nextPage(): Promise<readonly StoredTask[]> {
    for (;;) {
      const entries = await this.#takeEntries();
      if (entries.length === 0) return [];
      const page = await this.#readTasks(entries);
      if (page.length > 0) return page;
    }
  }

  /** The entries of the next page: as many as fit by number and size, at least one. */
  async #takeEntries(): Promise<PlacedEntry[]> {
    const { pageSize, maxPageBytes } = this.#options;
    const taken: PlacedEntry[] = [];
    let bytes = 0;
    while (taken.length < pageSize) {
      if (this.#current?.head) this.#insert(this.#current);
      else if (this.#current) await this.add(this.#current);
      this.#current = this.#sources.pop();
      bytes += this.#current?.head?.size ?? 0;
      if (this.#current === undefined || (bytes > maxPageBytes && taken.length > 0)) break;
      taken.push(this.#current.take());
    }
    return taken;
  }

  async #readTasks(entries: readonly PlacedEntry[]): Promise<readonly StoredTask[]> {
    const { rules } = this.#context;
    const rows = await this.#readRows(entries);
    const page: StoredTask[] = [];
    for (const entry of entries) {
      const row = rows.get(entry.id);
      const isReplaced = row !== undefined && row.savedAt > entry.savedAt;
      const successor = isReplaced ? await this.#successor(entry, row.savedAt) : undefined;
      const verdict = rules.judge(entry, row?.savedAt, successor);
      if (row && this.#yields(entry, row.savedAt, verdict)) page.push(row);
      this.#clean(entry, row?.savedAt, successor);
    }
    return page;
  }

  /** The task rows of the entries, by id. The versions that this process makes from now on are later than theirs. */
  async #readRows(entries: readonly PlacedEntry[]): Promise<ReadonlyMap<string, StoredTask>> {
    const { session, runtime } = this.#context;
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
      const { withoutBodies } = this.#options;
      for (const row of await this.#retry((timeout) => session.readTasks(partition, some, timeout, withoutBodies))) {
        runtime.clock.observe(row.savedAt);
        rows.set(row.id, row);
      }
    });
    return rows;
  }

  /** What the scan knows of the entry of the version that replaced this one. */
  async #successor({ source, page, id }: PlacedEntry, savedAt: Version): Promise<Successor> {
    const place = { savedAt, id };
    // Entries are taken ahead of their tasks: the source may have read on since this one was.
    const atHand = isAmong(page, place) || isAmong(source.page, place);
    const look = (timeout: number) => this.#context.session.hasEntry(source.partition, place, timeout);
    return { atHand, found: atHand || (await this.#retry(look)) };
  }

  /** Whether to yield the version that an entry leads to: false if it has been yielded before. */
  #yields(entry: PlacedEntry, version: Version, verdict: Verdict): boolean {
    const { savedBefore } = this.#options;
    // A task that was saved again after the cutoff was not asked for; one of a wrong clock may be of any age.
    if (savedBefore !== undefined && version >= savedBefore && version <= this.#horizon()) return false;
    return verdict !== "skip" && this.#isFirst(entry, version, verdict) && !this.#comesAgain(entry, version);
  }

  #isFirst({ id }: PlacedEntry, version: Version, verdict: Verdict): boolean {
    if (verdict === "yield" && this.#elsewhere.size === 0) return true;
    const key = `${version} ${id}`;
    if (verdict === "yield") return !this.#elsewhere.delete(key);
    if (this.#elsewhere.has(key)) return false;
    this.#elsewhere.add(key);
    return true;
  }

  /**
   * If a task of a wrong clock is far ahead, tasks that are saved during the scan come before it. A consumer that saves each task
   * again would get it again, and the scan would never end.
   */
  #comesAgain({ id }: PlacedEntry, version: Version): boolean {
    if (version <= this.#bound) return false;
    if (this.#pastBound.has(id)) return true;
    this.#pastBound.add(id);
    return false;
  }

  #clean(entry: PlacedEntry, version: Version | undefined, successor: Successor | undefined): void {
    const { rules, limits } = this.#context;
    const { savedAt, id, source } = entry;
    if (version === undefined) {
      if (rules.mayRemoveAbsent(entry, this.#removalLimit))
        this.#writer.remove(source.partition, rules.completing(id, savedAt));
    } else if (successor && rules.mayRemoveReplaced(version, successor.found, this.#latestClock(), limits))
      this.#writer.remove(source.partition, rules.removingReplaced(id, savedAt));
  }

  /** Past it, there are only versions of wrong clocks. */
  #horizon(): Version {
    return this.#context.rules.scanBound(this.#latestClock(), this.#context.limits);
  }

  /** By a clock that is slow, an old version would seem young. */
  #latestClock(): Version {
    return latestOf([this.#context.runtime.clock.now(), this.#context.guard.serverNow()]);
  }

  #retry<T>(read: (timeout: number) => Promise<T>): Promise<T> {
    return retryRead(this.#context.runtime, this.#context.policy, this.#options.signal, read);
  }
}

function isAmong(entries: readonly LedgerEntry[], { savedAt, id }: LedgerPlace): boolean {
  return entries.some((entry) => entry.savedAt === savedAt && entry.id === id);
}
