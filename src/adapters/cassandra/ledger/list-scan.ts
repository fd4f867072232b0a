import type { AllOptions, StoredTask } from "../../../adapter/adapter.js";
import { abortWith, throwIfAborted } from "../../../core/abort.js";
import { chunks, forEachConcurrently } from "../../../core/concurrency.js";
import { latestOf, type Version } from "../../../core/version.js";
import { partitionsOf } from "../model/partition.js";
import type { LedgerEntry, LedgerPlace } from "../model/session.js";
import { toTaskError } from "../retry.js";
import type { LedgerContext } from "./context.js";
import { PartitionEntries, type PlacedEntry } from "./partition-entries.js";
import type { ScanStart, Successor, Verdict } from "./rules.js";

/** Maximum number of queries in flight; reads of the partitions' next entries are not counted. */
const CONCURRENCY = 32;

/** Maximum number of ids in one query. */
const IDS_PER_READ = 256;

/** Called for each partition that a scan has read to its end. */
export type OnPartitionRead = (entries: PartitionEntries, start: ScanStart) => void;

/** The open tasks of a list, oldest first, a page at a time; no version twice. One page is read ahead. */
export async function* readList(
  context: LedgerContext,
  taskList: string,
  options: AllOptions,
  onRead: OnPartitionRead,
): AsyncGenerator<readonly StoredTask[], void, undefined> {
  const closing = context.closing.signal;
  const left = new AbortController();
  const releases = [options.signal, closing].map((signal) => abortWith(left, signal));
  const scan = new ListScan(context, { ...options, signal: left.signal }, onRead);
  let next = scan.open(taskList).then(() => scan.nextPage());
  try {
    for (;;) {
      const page = await next;
      throwIfAborted(left.signal);
      if (page.length === 0) return;
      next = scan.nextPage();
      next.catch(() => undefined); // it is reported when its turn comes
      yield page;
    }
  } catch (error) {
    throw closing.aborted ? closing.reason : toTaskError(error, { taskList });
  } finally {
    for (const release of releases) release();
    left.abort();
    await next.catch(() => undefined);
  }
}

/** One call of `all`: merges the entries of a list's partitions, reads their tasks, and yields and removes what the rules say. */
class ListScan {
  readonly #context: LedgerContext;
  readonly #options: AllOptions;
  readonly #onRead: OnPartitionRead;
  readonly #start: ScanStart;
  /** W, by the rule. */
  readonly #removalLimit: Version;
  /** Where it ends, unless there is a task of a wrong clock beyond it. */
  readonly #bound: Version;
  /** The partitions that have a head, the one with the oldest last. */
  readonly #sources: PartitionEntries[] = [];
  /** The versions that were yielded out of order, or past the bound, by their ids: as many as tasks were overwritten meanwhile. */
  readonly #yielded = new Map<string, Version>();

  constructor(context: LedgerContext, options: AllOptions, onRead: OnPartitionRead) {
    this.#context = context;
    this.#options = options;
    this.#onRead = onRead;
    this.#start = context.startScan();
    this.#removalLimit = context.rules.removalLimit(this.#start, context.limits);
    const { host, server } = this.#start;
    // The earlier clock, for the one that is wrong may be this host's.
    this.#bound = context.rules.scanBound(host < server ? host : server, context.limits);
  }

  async open(taskList: string): Promise<void> {
    await forEachConcurrently(partitionsOf(taskList, this.#context.shards), CONCURRENCY, (partition) =>
      this.#add(new PartitionEntries(this.#context, partition, this.#start, this.#options)),
    );
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

  /** Adds a partition to those that have a head, unless it is at its end. */
  async #add(source: PartitionEntries): Promise<void> {
    if (await source.fill()) this.#insert(source);
    // What lies between `after` and the first entry that is read was not looked at: nothing may be swept.
    else if (this.#options.after === undefined) this.#onRead(source, this.#start);
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

  /** The entries of the next page: as many as fit by number and size, at least one. */
  async #takeEntries(): Promise<PlacedEntry[]> {
    const { pageSize, maxPageBytes } = this.#options;
    const taken: PlacedEntry[] = [];
    let bytes = 0;
    while (taken.length < pageSize) {
      const source = this.#sources.at(-1);
      bytes += source?.head?.size ?? 0;
      if (source === undefined || (bytes > maxPageBytes && taken.length > 0)) break;
      this.#sources.pop();
      taken.push(source.take());
      if (source.head) this.#insert(source);
      else await this.#add(source);
    }
    return taken;
  }

  async #readTasks(entries: readonly PlacedEntry[]): Promise<readonly StoredTask[]> {
    const rows = await this.#readRows(entries);
    const page: StoredTask[] = [];
    for (const entry of entries) {
      const row = rows.get(entry.id);
      const isReplaced = row !== undefined && row.savedAt > entry.savedAt;
      const successor = isReplaced ? await this.#successor(entry, row.savedAt, entries) : undefined;
      const verdict = this.#context.rules.judge(entry, row?.savedAt, successor);
      if (row && verdict !== "skip" && this.#isWanted(row) && this.#isNew(row, verdict)) page.push(row);
      this.#clean(entry, row?.savedAt, successor);
    }
    return page;
  }

  /** The task rows of the entries, by id. The versions that this process makes from now on are later than theirs. */
  async #readRows(entries: readonly PlacedEntry[]): Promise<ReadonlyMap<string, StoredTask>> {
    const { session, runtime, read } = this.#context;
    const { signal, withoutBodies } = this.#options;
    const sources = [...new Set(entries.map(({ source }) => source))];
    const reads = sources.flatMap((source) => {
      const ids = new Set(entries.filter((entry) => entry.source === source).map(({ id }) => id));
      return chunks([...ids], IDS_PER_READ).map((some) => ({ partition: source.partition, some }));
    });
    const rows = new Map<string, StoredTask>();
    await forEachConcurrently(reads, CONCURRENCY, async ({ partition, some }) => {
      for (const row of await read(signal, (timeout) => session.readTasks(partition, some, timeout, withoutBodies))) {
        runtime.clock.observe(row.savedAt);
        rows.set(row.id, row);
      }
    });
    return rows;
  }

  /** What the scan knows of the entry of the version that replaced one of `entries`. */
  async #successor({ source, id }: PlacedEntry, savedAt: Version, entries: readonly PlacedEntry[]): Promise<Successor> {
    const { session, read } = this.#context;
    const place = { savedAt, id };
    if (isAmong(entries, place) || isAmong(source.page, place)) return { atHand: true, found: true };
    const look = (timeout: number) => session.hasEntry(source.partition, place, timeout);
    return { atHand: false, found: await read(this.#options.signal, look) };
  }

  /** A task that was saved again after the cutoff was not asked for; one of a wrong clock may be of any age. */
  #isWanted({ savedAt }: StoredTask): boolean {
    const { savedBefore } = this.#options;
    const { rules, limits } = this.#context;
    return savedBefore === undefined || savedAt < savedBefore || savedAt > rules.scanBound(this.#latestClock(), limits);
  }

  /**
   * Whether a version was not yielded before. Past the bound, each task is yielded once: if a task of a wrong clock is far ahead,
   * a consumer that saves each task again would otherwise get it again, and the scan would never end.
   */
  #isNew({ id, savedAt }: StoredTask, verdict: Verdict): boolean {
    const known = this.#yielded.get(id);
    if (known !== undefined && (savedAt <= known || known > this.#bound)) return false;
    if (verdict === "yield-replacement" || savedAt > this.#bound) this.#yielded.set(id, savedAt);
    return true;
  }

  #clean(entry: PlacedEntry, version: Version | undefined, successor: Successor | undefined): void {
    const { rules, limits, commit } = this.#context;
    const { savedAt, id, source } = entry;
    if (version === undefined) {
      if (rules.mayRemoveAbsent(entry, this.#removalLimit))
        commit.remove(source.partition, rules.completing(id, savedAt));
    } else if (successor && rules.mayRemoveReplaced(version, successor.found, this.#latestClock(), limits))
      commit.remove(source.partition, rules.removingReplaced(id, savedAt));
  }

  /** By a clock that is slow, an old version would seem young. */
  #latestClock(): Version {
    return latestOf([this.#context.runtime.clock.now(), this.#context.guard.serverNow()]);
  }
}

function isAmong(entries: readonly LedgerPlace[], { savedAt, id }: LedgerPlace): boolean {
  return entries.some((entry) => entry.savedAt === savedAt && entry.id === id);
}
