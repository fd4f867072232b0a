import type { ClockGuard } from "./clock.js";
import type { EntryStream } from "./entry-stream.js";
import type { GroupCommit } from "./group-commit.js";
import type { Host } from "./host.js";
import type { LedgerReader } from "./ledger-reader.js";
import type { StartOfPass } from "./pass.js";
import type { LedgerLimits, LedgerRules } from "./rules.js";
import type { Mutation } from "./session.js";
import { type Partition, partitionName } from "./shard.js";
import { notCoveredBy, type Sweep } from "./stretches.js";

export interface SweeperOptions {
  readonly shards: number;
  readonly limits: LedgerLimits;
  readonly rules: LedgerRules;
  /** After how many completions a partition is swept by itself; 0 for never. */
  readonly every: number;
  /** How often it is looked whether one is due, in milliseconds. */
  readonly interval: number;
}

/** What a sweep did. */
export interface SweepReport {
  /** Partitions that were read. */
  readonly partitions: number;
  /** Entries that were found: open tasks, and what is not cleaned up yet. */
  readonly entries: number;
  /** Stretches of completed versions that were covered. */
  readonly stretches: number;
}

/** Completions of a partition that no sweep has covered yet, since when. */
interface Backlog {
  readonly partition: Partition;
  count: number;
  since: number;
}

/** Partitions whose completions are counted at once; of more, the half with the fewest is forgotten. */
const MAX_BACKLOGS = 100_000;

/**
 * Covers what is completed with one tombstone a stretch, in place of one a task, and notes where it did: a ledger stays
 * cheap to read, whatever has gone through it. Sweeps what a pass has read, what has seen many completions, and on demand.
 */
export class Sweeper {
  readonly #host: Host;
  readonly #guard: ClockGuard;
  readonly #reader: LedgerReader;
  readonly #commit: GroupCommit;
  readonly #options: SweeperOptions;
  readonly #backlogs = new Map<string, Backlog>();
  readonly #underWay = new Set<Promise<unknown>>();
  #cancelTimer: (() => void) | undefined;
  readonly #stopping = new AbortController();

  constructor(host: Host, guard: ClockGuard, reader: LedgerReader, commit: GroupCommit, options: SweeperOptions) {
    this.#host = host;
    this.#guard = guard;
    this.#reader = reader;
    this.#commit = commit;
    this.#options = options;
  }

  /** A task of this partition was completed. */
  noteCompletion(partition: Partition): void {
    if (this.#options.every === 0) return;
    const key = partitionName(partition);
    const backlog = this.#backlogs.get(key);
    if (backlog) backlog.count++;
    else {
      if (this.#backlogs.size >= MAX_BACKLOGS) this.#forgetSmallest();
      this.#backlogs.set(key, { partition, count: 1, since: this.#host.monotonic() });
    }
    this.#arm();
  }

  /** A pass has read a partition to its end: covers what it found completed, if that is worth the while. */
  readonly afterPass = (stream: EntryStream, known: Sweep | undefined, start: StartOfPass): void => {
    const { every, interval, limits } = this.#options;
    const backlog = this.#backlogs.get(partitionName(stream.partition));
    const isWorthwhile = stream.isHeavy || (backlog !== undefined && backlog.count >= every);
    const sinceLast = start.before - limits.margin - (known?.sweptTo ?? 0n);
    if (every > 0 && isWorthwhile && sinceLast > BigInt(interval) * 1000n)
      this.#track(this.#cover(stream, known, start));
  };

  /** Sweeps a list now. Throws CLOCK_SKEW, and what the store throws. */
  async sweep(taskList: string, signal: AbortSignal | undefined): Promise<SweepReport> {
    const report = { partitions: 0, entries: 0, stretches: 0 };
    for (let shard = 0; shard < this.#options.shards; shard++) {
      const { entries, stretches } = await this.#sweepPartition({ taskList, shard }, signal);
      report.partitions++;
      report.entries += entries;
      report.stretches += stretches;
    }
    return report;
  }

  /** Sweeps no more by itself; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelTimer?.();
    await Promise.allSettled(this.#underWay);
  }

  async #sweepPartition(partition: Partition, signal?: AbortSignal): Promise<{ entries: number; stretches: number }> {
    await this.#guard.untilTrusted(signal);
    let covering: Promise<number> = Promise.resolve(0);
    const start = this.#reader.startOfPass();
    const entries = await this.#reader.readEntries(partition, start, signal, (stream, known) => {
      covering = this.#cover(stream, known, start);
    });
    return { entries, stretches: await covering };
  }

  /** Writes the tombstones over what lies between the entries that stay; gives their number. */
  async #cover(stream: EntryStream, known: Sweep | undefined, start: StartOfPass): Promise<number> {
    const { rules, limits } = this.#options;
    const now = this.#host.clock.now();
    const allowed = rules.removalLimit({ ...start, now }, limits);
    // A pass with a cutoff has not read all that is old enough.
    const limit = allowed < stream.bound ? allowed : stream.bound;
    const { covered, kept } = stream.gaps.stretchesUpTo(limit);
    const uncovered = notCoveredBy(known?.stretches ?? [], [...new Set([...covered, ...kept])]);
    if (uncovered.length > 0 && limit > 0n) {
      const tombstones = uncovered.map((stretch): Mutation => ({ kind: "delete-entries", ...stretch, at: limit }));
      await this.#commit.write(stream.partition, [...tombstones, { kind: "put-sweep", stretches: kept, at: limit }]);
    }
    this.#backlogs.delete(partitionName(stream.partition));
    return uncovered.length;
  }

  #forgetSmallest(): void {
    const byCount = [...this.#backlogs].sort(([, a], [, b]) => a.count - b.count);
    for (const [key] of byCount.slice(0, MAX_BACKLOGS / 2)) this.#backlogs.delete(key);
  }

  #arm(): void {
    if (this.#cancelTimer || this.#stopping.signal.aborted) return;
    this.#cancelTimer = this.#host.later(this.#options.interval, () => {
      this.#cancelTimer = undefined;
      this.#track(this.#sweepDue().finally(() => this.#backlogs.size > 0 && this.#arm()));
    });
  }

  /** Sweeps the partitions that have many completions older than the margin, one after the other. */
  async #sweepDue(): Promise<void> {
    const before = this.#host.monotonic() - Number(this.#options.limits.margin) / 1000;
    for (const { partition, count, since } of [...this.#backlogs.values()])
      if (!this.#stopping.signal.aborted && count >= this.#options.every && since <= before)
        await this.#sweepPartition(partition, this.#stopping.signal).catch(() => undefined); // its turn comes again
  }

  /** Work that nobody waits for: what it leaves undone is done by a later sweep. */
  #track(work: Promise<unknown>): void {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    this.#underWay.add(settled);
    settled.then(() => this.#underWay.delete(settled));
  }
}
