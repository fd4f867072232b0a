import { type Partition, partitionName, partitionsOf } from "../model/partition.js";
import type { Mutation } from "../model/session.js";
import type { LedgerContext } from "./context.js";
import type { PartitionEntries } from "./partition-entries.js";
import { openEntries, startScan } from "./reader.js";
import type { ScanStart } from "./rules.js";
import { notCoveredBy } from "./swept-ranges.js";

/** When partitions are swept automatically. */
export interface SweepTiming {
  /** After how many completions; 0 for never. */
  readonly every: number;
  /** Interval at which due sweeps are started, and the minimum time between two of one partition, in milliseconds. */
  readonly interval: number;
}

/** What a sweep did. */
export interface SweepReport {
  /** Partitions that were read. */
  readonly partitions: number;
  /** Entries that were found and are old enough: open tasks, and versions that are not cleaned up yet. */
  readonly entries: number;
  /** Ranges of completed versions that were covered. */
  readonly ranges: number;
}

/** Completions of a partition that no sweep has covered yet. */
interface Backlog {
  readonly partition: Partition;
  /** Since the last of the times. */
  count: number;
  /** When there were enough for a sweep to be worthwhile, in milliseconds on the monotonic clock. */
  times: number[];
}

/** The maximum number of partitions whose completions are counted; of more, the one that was added first is forgotten. */
const MAX_BACKLOGS = 100_000;

/**
 * Covers completed tasks with one tombstone per range, instead of one per task, and records the ranges: a ledger stays cheap to
 * read, however many tasks were completed. Sweeps partitions with many completions, those that a scan has read, and on demand.
 */
export class Sweeper {
  readonly #context: LedgerContext;
  readonly #timing: SweepTiming;
  readonly #backlogs = new Map<string, Backlog>();
  #cancelTimer: (() => void) | undefined;

  constructor(context: LedgerContext, timing: SweepTiming) {
    this.#context = context;
    this.#timing = timing;
  }

  /** A task of this partition was completed. */
  noteCompletion(partition: Partition): void {
    const { every } = this.#timing;
    if (every === 0) return;
    const name = partitionName(partition);
    let backlog = this.#backlogs.get(name);
    if (backlog === undefined) {
      const [first] = this.#backlogs.keys();
      if (this.#backlogs.size >= MAX_BACKLOGS && first !== undefined) this.#backlogs.delete(first);
      backlog = { partition, count: 0, times: [] };
      this.#backlogs.set(name, backlog);
    }
    if (++backlog.count < every) return;
    backlog.count = 0;
    backlog.times.push(this.#context.runtime.monotonic());
    this.#arm();
  }

  /** A scan has read a partition to its end: covers what it found completed, if that is worthwhile. */
  readonly afterScan = (entries: PartitionEntries, start: ScanStart): void => {
    const backlog = this.#backlogs.get(partitionName(entries.partition));
    const isWorthwhile = entries.isHeavy || (backlog !== undefined && backlog.times.length > 0);
    if (this.#timing.every > 0 && isWorthwhile && !this.#wasSweptLately(entries, start))
      this.#context.inFlight.run(() => this.#cover(entries, start));
  };

  /** Sweeps a list now. Throws CLOCK_SKEW, and what the store throws. */
  async sweep(taskList: string, signal: AbortSignal | undefined): Promise<SweepReport> {
    const report = { partitions: 0, entries: 0, ranges: 0 };
    for (const partition of partitionsOf(taskList, this.#context.shards)) {
      const { entries, ranges } = await this.#sweepPartition(partition, signal);
      report.partitions++;
      report.entries += entries;
      report.ranges += ranges;
    }
    return report;
  }

  /** Stops the automatic sweeps. */
  stop(): void {
    this.#cancelTimer?.();
  }

  async #sweepPartition(
    partition: Partition,
    signal: AbortSignal | undefined,
    unlessSweptLately = false,
  ): Promise<{ entries: number; ranges: number }> {
    const { rules, limits } = this.#context;
    await this.#context.guard.untilTrusted(signal);
    const start = startScan(this.#context);
    const savedBefore = rules.removalLimit(start, limits) + 1n;
    const entries = await openEntries(this.#context, partition, start, { savedBefore, signal });
    if (unlessSweptLately && this.#wasSweptLately(entries, start)) return { entries: 0, ranges: 0 };
    let count = 0;
    for (; await entries.fill(); count++) entries.take();
    return { entries: count, ranges: await this.#cover(entries, start) };
  }

  /** Writes tombstones over the gaps between the entries that stay; returns their number. */
  async #cover({ partition, bound, gaps, sweep }: PartitionEntries, start: ScanStart): Promise<number> {
    const { rules, limits, commit } = this.#context;
    const allowed = rules.removalLimit(start, limits);
    // A scan with a cutoff has not read all that is old enough.
    const at = allowed < bound ? allowed : bound;
    const { covered, recorded } = gaps.rangesUpTo(at);
    const uncovered = notCoveredBy(sweep?.ranges ?? [], [...new Set([...covered, ...recorded])]);
    if (uncovered.length > 0 && at > 0n) {
      const tombstones = uncovered.map((range): Mutation => ({ kind: "delete-entries", ...range, at }));
      const record: Mutation = { kind: "put-sweep", ranges: recorded, at };
      await commit.write(partition, [...tombstones, record]);
    }
    const backlog = this.#backlogs.get(partitionName(partition));
    if (backlog) backlog.times = backlog.times.filter((time) => time > this.#lastCovered());
    return uncovered.length;
  }

  /** A sweep that begins now covers completions up to this time, in milliseconds on the monotonic clock. */
  #lastCovered(): number {
    return this.#context.runtime.monotonic() - Number(this.#context.limits.gracePeriod) / 1000;
  }

  /** Whether this client or another has swept the partition within the interval. */
  #wasSweptLately({ sweep }: PartitionEntries, start: ScanStart): boolean {
    const { rules, limits } = this.#context;
    const { interval } = this.#timing;
    return rules.removalLimit(start, limits) - (sweep?.sweptTo ?? 0n) <= BigInt(interval) * 1000n;
  }

  #arm(): void {
    const { runtime, inFlight, closing } = this.#context;
    if (this.#cancelTimer || closing.aborted) return;
    this.#cancelTimer = runtime.later(this.#timing.interval, () => {
      this.#cancelTimer = undefined;
      inFlight.run(() => this.#sweepDue());
    });
  }

  /** Sweeps the partitions that are due, one after the other. */
  async #sweepDue(): Promise<void> {
    const { closing: signal } = this.#context;
    for (const { partition, times } of [...this.#backlogs.values()]) {
      // Not before a sweep would cover them.
      const isDue = times[0] !== undefined && times[0] <= this.#lastCovered();
      if (signal.aborted || !isDue) continue;
      await this.#sweepPartition(partition, signal, true).catch(() => undefined); // it will be due again
    }
    if ([...this.#backlogs.values()].some(({ times }) => times.length > 0)) this.#arm();
  }
}
