import { throwIfAborted } from "../../abort.js";
import type { AllOptions } from "../../adapter.js";
import { readStamp } from "../../envelope.js";
import type { Version } from "../../version.js";
import { forEachConcurrently, mergeEntries, type PlacedEntry, placeKey } from "./entry-stream.js";
import type { Host } from "./host.js";
import type { LedgerWriter } from "./ledger-writer.js";
import { type RetryPolicy, retryRead } from "./retry.js";
import {
  judge,
  type LedgerLimits,
  mayRemoveAbsent,
  mayRemoveReplaced,
  passBound,
  removalLimit,
  type Successor,
} from "./rules.js";
import type { LedgerSession } from "./session.js";
import type { Partition } from "./shard.js";

/** Entries are read so many at once from a partition: they are small. */
const ENTRIES = 500;

/** Partitions that are asked at once. */
const CONCURRENCY = 32;

export interface LedgerReaderOptions extends RetryPolicy {
  readonly shards: number;
  readonly limits: LedgerLimits;
}

/** A task row as it was read. */
interface Row {
  readonly version: Version;
  readonly envelope: Uint8Array;
}

/** Reads lists by the rules of reading, and removes on the way what the rules of removing allow. */
export class LedgerReader {
  readonly #session: LedgerSession;
  readonly #host: Host;
  readonly #writer: LedgerWriter;
  readonly #options: LedgerReaderOptions;

  constructor(session: LedgerSession, host: Host, writer: LedgerWriter, options: LedgerReaderOptions) {
    this.#session = session;
    this.#host = host;
    this.#writer = writer;
    this.#options = options;
  }

  /** The open tasks of a list, oldest first, a page at a time; no version twice. One page is read ahead. */
  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    const pass = new Pass(this.#host.clock.now(), options, this.#options.limits);
    const partitions = Array.from({ length: this.#options.shards }, (_, shard) => ({ taskList, shard }));
    const read = (partition: Partition, after: { savedAt: Version; id: string }, upTo: Version) =>
      this.#retry(pass, (timeout) => this.#session.readEntries(partition, { after, upTo, limit: ENTRIES }, timeout));
    const merging = { pageSize: ENTRIES, concurrency: CONCURRENCY };
    const entries = mergeEntries(partitions, (partition) => this.#bound(partition, pass), read, merging);
    let next: Promise<readonly Uint8Array[]> | undefined = this.#nextPage(entries, pass);
    try {
      for (;;) {
        const page: readonly Uint8Array[] = await next;
        throwIfAborted(pass.signal);
        if (page.length === 0) return;
        next = this.#nextPage(entries, pass);
        next.catch(() => undefined); // it is reported when its turn comes
        yield page;
      }
    } finally {
      await next.catch(() => undefined);
      await entries.return();
    }
  }

  async #bound(partition: Partition, { startedAt, savedBefore, ...pass }: Pass): Promise<Version> {
    const bound = passBound(startedAt, this.#options.limits);
    const last = await this.#retry(pass, (timeout) => this.#session.readLastEntry(partition, bound, timeout));
    const end = last?.savedAt ?? bound;
    return savedBefore !== undefined && savedBefore <= end ? savedBefore - 1n : end;
  }

  /** The next page that is not empty; an empty one at the end. */
  async #nextPage(entries: AsyncGenerator<PlacedEntry, void>, pass: Pass): Promise<readonly Uint8Array[]> {
    for (;;) {
      const some = await takeEntries(entries, pass);
      if (some.length === 0) return [];
      const page = await this.#readPage(some, pass);
      if (page.length > 0) return page;
    }
  }

  async #readPage(entries: readonly PlacedEntry[], pass: Pass): Promise<readonly Uint8Array[]> {
    const rows = await this.#readRows(entries, pass);
    const page: Uint8Array[] = [];
    for (const entry of entries) {
      const row = rows.get(entry.id);
      const successor = row && (await this.#successor(entry, row.version, pass));
      if (row && this.#isYielded(entry, row.version, successor, pass)) page.push(row.envelope);
      this.#clean(entry, row?.version, successor, pass);
    }
    return page;
  }

  /** The task rows of the entries, by id. */
  async #readRows(entries: readonly PlacedEntry[], pass: Pass): Promise<ReadonlyMap<string, Row>> {
    const ids = new Map<Partition, Set<string>>();
    for (const { partition, id } of entries) ids.set(partition, (ids.get(partition) ?? new Set()).add(id));
    const rows = new Map<string, Row>();
    await forEachConcurrently([...ids], CONCURRENCY, async ([partition, some]) => {
      const found = await this.#retry(pass, (timeout) => this.#session.readTasks(partition, [...some], timeout));
      for (const { id, envelope } of found) {
        const { savedAt: version } = readStamp(envelope);
        this.#host.clock.observe(version);
        rows.set(id, { version, envelope });
      }
    });
    return rows;
  }

  /** What is known of the entry of the version that replaced this one, if one did. */
  async #successor(entry: PlacedEntry, version: Version, pass: Pass): Promise<Successor | undefined> {
    if (version <= entry.savedAt) return undefined;
    const place = { savedAt: version, id: entry.id };
    const { end: pageEnd, bound } = entry.page;
    const inPage = entry.page.has(place);
    const look = (timeout: number) => this.#session.hasEntry(entry.partition, place, timeout);
    return { inPage, found: inPage || (await this.#retry(pass, look)), pageEnd, bound };
  }

  #isYielded(entry: PlacedEntry, version: Version, successor: Successor | undefined, pass: Pass): boolean {
    const verdict = judge(entry, version, successor);
    // A task that was saved again past the cutoff is not what was asked for.
    if (verdict === "skip" || (pass.savedBefore !== undefined && version >= pass.savedBefore)) return false;
    return pass.yields(verdict, entry.id, version);
  }

  #clean(
    { partition, id, savedAt }: PlacedEntry,
    version: Version | undefined,
    successor: Successor | undefined,
    pass: Pass,
  ): void {
    const { limits } = this.#options;
    if (version === undefined) {
      if (mayRemoveAbsent({ savedAt, id }, pass.removalLimit)) this.#writer.removeAbsent(partition, id, savedAt);
    } else if (successor && mayRemoveReplaced(version, successor.found, this.#host.clock.now(), limits)) {
      this.#writer.removeReplaced(partition, id, savedAt);
    }
  }

  #retry<T>({ signal }: { signal: AbortSignal | undefined }, read: (timeout: number) => Promise<T>): Promise<T> {
    return retryRead(this.#host, this.#options, signal, read);
  }
}

/** One call of `all`: its clock, its limits, and what it has yielded away from its place. */
class Pass {
  /** The clock at the start, before the first read. */
  readonly startedAt: Version;
  /** W: what is older may be removed if it has no task row. */
  readonly removalLimit: Version;
  readonly savedBefore: Version | undefined;
  readonly pageSize: number;
  readonly maxPageBytes: number;
  readonly signal: AbortSignal | undefined;
  /** An entry that was taken from the streams and did not fit into the page before. */
  held: PlacedEntry | undefined;
  /** As many as tasks were overwritten meanwhile. */
  readonly #elsewhere = new Set<string>();

  constructor(now: Version, { savedBefore, pageSize, maxPageBytes, signal }: AllOptions, limits: LedgerLimits) {
    this.startedAt = now;
    this.removalLimit = removalLimit(now, now, limits);
    this.savedBefore = savedBefore;
    this.pageSize = pageSize;
    this.maxPageBytes = maxPageBytes;
    this.signal = signal;
  }

  /** Whether the version is yielded here, or has been elsewhere; remembers it if it is and this is not its place. */
  yields(verdict: "yield" | "yield-replacement", id: string, version: Version): boolean {
    const key = placeKey({ savedAt: version, id });
    if (verdict === "yield") return !this.#elsewhere.delete(key);
    if (this.#elsewhere.has(key)) return false;
    this.#elsewhere.add(key);
    return true;
  }
}

/** The entries of the next page: as many as fit by their number and their sizes, at least one. */
async function takeEntries(entries: AsyncGenerator<PlacedEntry, void>, pass: Pass): Promise<PlacedEntry[]> {
  const taken: PlacedEntry[] = [];
  let bytes = 0;
  while (taken.length < pass.pageSize) {
    const entry = pass.held ?? (await entries.next()).value;
    pass.held = undefined;
    if (!entry) break;
    bytes += entry.size;
    if (bytes > pass.maxPageBytes && taken.length > 0) {
      pass.held = entry;
      break;
    }
    taken.push(entry);
  }
  return taken;
}
