import type { ResolvedOptions } from "../arguments.js";
import { type Partition, partitionName, partitionsOf } from "../model/partition.js";
import type { Mutation } from "../model/session.js";
import type { LedgerContext } from "./context.js";
import { openEntries, type PartitionEntries } from "./partition-entries.js";
import type { ScanStart } from "./rules.js";

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
  readonly #timing: ResolvedOptions["sweep"];
  readonly #backlogs = new Map<string, Backlog>();
  #isArmed = false;

  constructor(context: LedgerContext, timing: ResolvedOptions["sweep"]) {
    this.#context = context;
    this.#timing = timing;
  }

  /** A task of this partition was completed. */
  noteCompletion(partition: Partition): void {
    const { every } = this.#timing;
    if (every === 0) return;
    const name = partitionName(partition);
    const backlog = this.#backlogs.get(name) ?? { partition, count: 0, times: [] };
    this.#backlogs.set(name, backlog);
    if (this.#backlogs.size > MAX_BACKLOGS) this.#backlogs.delete(this.#backlogs.keys().next().value as string);
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

  async #sweepPartition(partition: Partition, signal: AbortSignal | undefined, unlessSweptLately = false) {
    const { rules, limits, guard, startScan } = this.#context;
    await guard.untilTrusted(signal);
    const start = startScan();
    const savedBefore = rules.removalLimit(start, limits) + 1n;
    const found = await openEntries(this.#context, partition, start, { savedBefore, signal });
    if (unlessSweptLately && this.#wasSweptLately(found, start)) return { entries: 0, ranges: 0 };
    let entries = 0;
    for (; await found.fill(); entries++) found.take();
    return { entries, ranges: await this.#cover(found, start) };
  }

  /** Writes tombstones over the gaps between the entries that stay; returns their number. */
  async #cover({ partition, extent, gaps }: PartitionEntries, start: ScanStart): Promise<number> {
    const { rules, limits, commit } = this.#context;
    const allowed = rules.removalLimit(start, limits);
    // A scan with a cutoff has not read all that is old enough.
    const at = allowed < extent.bound ? allowed : extent.bound;
    const { covered, recorded } = gaps.rangesUpTo(at);
    if (covered.length > 0 && at > 0n) {
      const tombstones = covered.map((range): Mutation => ({ kind: "delete-entries", ...range, at }));
      await commit.write(partition, [...tombstones, { kind: "put-sweep", ranges: recorded, at }]);
    }
    const backlog = this.#backlogs.get(partitionName(partition));
    if (backlog) backlog.times = backlog.times.filter((time) => !this.#isCoverable(time));
    return covered.length;
  }

  /** Whether a sweep that begins now covers what was completed by this time, in milliseconds on the monotonic clock. */
  #isCoverable(time = Infinity): boolean {
    const { runtime, limits } = this.#context;
    return time <= runtime.monotonic() - Number(limits.gracePeriod) / 1000;
  }

  /** Whether this client or another has swept the partition within the interval. */
  #wasSweptLately({ extent }: PartitionEntries, start: ScanStart): boolean {
    const { rules, limits } = this.#context;
    const age = rules.removalLimit(start, limits) - (extent.sweep?.sweptTo ?? 0n);
    return age <= BigInt(this.#timing.interval) * 1000n;
  }

  #arm(): void {
    const { runtime, inFlight, closing } = this.#context;
    if (this.#isArmed || closing.signal.aborted) return;
    this.#isArmed = true;
    runtime.later(this.#timing.interval, () => {
      this.#isArmed = false;
      inFlight.run(() => this.#sweepDue());
    });
  }

  /** Sweeps the partitions that are due, one after the other. */
  async #sweepDue(): Promise<void> {
    const { signal } = this.#context.closing;
    for (const { partition, times } of [...this.#backlogs.values()]) {
      if (signal.aborted || !this.#isCoverable(times[0])) continue;
      await this.#sweepPartition(partition, signal, true).catch(() => undefined); // it will be due again
    }
    if ([...this.#backlogs.values()].some(({ times }) => times.length > 0)) this.#arm();
  }
}
