import { readStamp } from "../../envelope.js";
import type { Version } from "../../version.js";
import type { Host } from "./host.js";
import type { LedgerWriter } from "./ledger-writer.js";
import { type RetryPolicy, retryRead } from "./retry.js";
import {
  judge,
  type LedgerLimits,
  type LedgerPlace,
  mayRemoveAbsent,
  mayRemoveReplaced,
  passBound,
  type Successor,
} from "./rules.js";
import type { LedgerEntry, LedgerSession } from "./session.js";
import type { Partition } from "./shard.js";

/** A version of a task as a pass yields it. */
export interface StoredTask {
  /** Its place in the pass: the version of the entry that led to it. */
  readonly place: Version;
  readonly bytes: Uint8Array;
}

/** One call of `all`, on each partition of the list. */
export interface Pass {
  /** The clock at the pass's start. */
  readonly startedAt: Version;
  /** W, from the clock before the first read. */
  readonly removalLimit: Version;
  readonly savedBefore: Version | undefined;
  /** At most so many tasks are read at once. */
  readonly chunkRows: number;
  /** And about so many bytes of them, if their entries tell the truth. */
  readonly chunkBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Entries are read so many at once: they are small. */
const ENTRIES = 500;

const FIRST: LedgerPlace = { savedAt: 0n, id: "" };

/** Reads a partition's ledger by the rules of reading, and removes what the rules of removing allow. */
export class LedgerReader {
  readonly #session: LedgerSession;
  readonly #host: Host;
  readonly #limits: LedgerLimits;
  readonly #policy: RetryPolicy;
  readonly #writer: LedgerWriter;

  constructor(session: LedgerSession, host: Host, limits: LedgerLimits, policy: RetryPolicy, writer: LedgerWriter) {
    this.#session = session;
    this.#host = host;
    this.#limits = limits;
    this.#policy = policy;
    this.#writer = writer;
  }

  /** The open tasks of a partition, oldest first, a chunk at a time; no version twice. */
  async *read(partition: Partition, pass: Pass): AsyncGenerator<StoredTask[], void, undefined> {
    const bound = await this.#bound(partition, pass);
    /** Versions that were yielded away from their own places, as many as tasks were overwritten meanwhile. */
    const elsewhere = new Set<string>();
    for (let after = FIRST; ; ) {
      const range = { after, upTo: bound, limit: ENTRIES };
      const entries = await this.#retry(pass, (timeout) => this.#session.readEntries(partition, range, timeout));
      const isLast = entries.length < ENTRIES;
      const page = new PageOfEntries(entries, isLast ? bound : (entries.at(-1) as LedgerEntry).savedAt, bound);
      for (const chunk of chunksOf(entries, pass)) {
        const tasks = await this.#readChunk(partition, pass, page, chunk, elsewhere);
        if (tasks.length > 0) yield tasks;
      }
      if (isLast) return;
      after = entries.at(-1) as LedgerEntry;
    }
  }

  async #bound(partition: Partition, pass: Pass): Promise<Version> {
    const bound = passBound(pass.startedAt, this.#limits);
    const last = await this.#retry(pass, (timeout) => this.#session.readLastEntry(partition, bound, timeout));
    const end = last?.savedAt ?? bound;
    return pass.savedBefore !== undefined && pass.savedBefore <= end ? pass.savedBefore - 1n : end;
  }

  async #readChunk(
    partition: Partition,
    pass: Pass,
    page: PageOfEntries,
    chunk: readonly LedgerEntry[],
    elsewhere: Set<string>,
  ): Promise<StoredTask[]> {
    const ids = [...new Set(chunk.map(({ id }) => id))];
    const rows = await this.#retry(pass, (timeout) => this.#session.readTasks(partition, ids, timeout));
    const tasks = new Map(rows.map(({ id, envelope }) => [id, { bytes: envelope, version: this.#meet(envelope) }]));
    const yielded: StoredTask[] = [];
    for (const entry of chunk) {
      const task = tasks.get(entry.id);
      const successor = await this.#successor(partition, pass, page, entry, task?.version);
      const verdict = judge(entry, task?.version, successor);
      if (
        task &&
        verdict !== "skip" &&
        isWanted(pass, task.version) &&
        !isElsewhere(elsewhere, verdict, entry.id, task.version)
      )
        yielded.push({ place: entry.savedAt, bytes: task.bytes });
      this.#clean(partition, pass, entry, task?.version, successor);
    }
    return yielded;
  }

  /** Looks for the entry of the version that replaced this one, if one did. */
  async #successor(
    partition: Partition,
    pass: Pass,
    page: PageOfEntries,
    entry: LedgerEntry,
    version: Version | undefined,
  ): Promise<Successor | undefined> {
    if (version === undefined || version <= entry.savedAt) return undefined;
    const place = { savedAt: version, id: entry.id };
    const inPage = page.has(place);
    const look = (timeout: number) => this.#session.hasEntry(partition, place, timeout);
    return { inPage, found: inPage || (await this.#retry(pass, look)), pageEnd: page.end, bound: page.bound };
  }

  #clean(
    partition: Partition,
    pass: Pass,
    entry: LedgerEntry,
    version: Version | undefined,
    successor: Successor | undefined,
  ): void {
    const { id, savedAt } = entry;
    if (version === undefined) {
      if (mayRemoveAbsent(entry, pass.removalLimit)) this.#writer.removeAbsent(partition, id, savedAt);
    } else if (successor && mayRemoveReplaced(version, successor.found, this.#host.clock.now(), this.#limits)) {
      this.#writer.removeReplaced(partition, id, savedAt);
    }
  }

  /** The version of an envelope; the versions that this process makes from now on are later. */
  #meet(envelope: Uint8Array): Version {
    const { savedAt } = readStamp(envelope);
    this.#host.clock.observe(savedAt);
    return savedAt;
  }

  #retry<T>(pass: Pass, read: (timeout: number) => Promise<T>): Promise<T> {
    return retryRead(this.#host, this.#policy, pass.signal, read);
  }
}

/** A page of a partition's entries, and where it ends. */
class PageOfEntries {
  readonly end: Version;
  readonly bound: Version;
  readonly #places: ReadonlySet<string>;

  constructor(entries: readonly LedgerPlace[], end: Version, bound: Version) {
    this.end = end;
    this.bound = bound;
    this.#places = new Set(entries.map(({ savedAt, id }) => versionKey(id, savedAt)));
  }

  has({ savedAt, id }: LedgerPlace): boolean {
    return this.#places.has(versionKey(id, savedAt));
  }
}

/** A task that was saved again past the cutoff is not what was asked for. */
function isWanted({ savedBefore }: Pass, version: Version): boolean {
  return savedBefore === undefined || version < savedBefore;
}

/** Whether this pass has yielded the version already, at another place; remembers it if it does so now. */
function isElsewhere(
  elsewhere: Set<string>,
  verdict: "yield" | "yield-replacement",
  id: string,
  version: Version,
): boolean {
  const key = versionKey(id, version);
  if (verdict === "yield") return elsewhere.delete(key);
  if (elsewhere.has(key)) return true;
  elsewhere.add(key);
  return false;
}

function versionKey(id: string, version: Version): string {
  return `${version} ${id}`;
}

/** Entries whose tasks are read together. */
function* chunksOf(entries: readonly LedgerEntry[], { chunkRows, chunkBytes }: Pass): Generator<LedgerEntry[]> {
  let chunk: LedgerEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (chunk.length === chunkRows || (chunk.length > 0 && bytes + entry.size > chunkBytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(entry);
    bytes += entry.size;
  }
  if (chunk.length > 0) yield chunk;
}
