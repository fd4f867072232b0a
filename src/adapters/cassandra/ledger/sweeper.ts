import { toMilliseconds } from "../../../core/version.js";
import type { ResolvedOptions } from "../arguments.js";
import { type Partition, partitionName, partitionsOf } from "../model/partition.js";
import type { Mutation } from "../model/session.js";
import type { LedgerContext } from "./context.js";
import { PartitionEntries } from "./partition-entries.js";
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

/** The completions of a partition. */
interface Backlog {
  /** Since `enoughAt`. */
  count: number;
  /** When there were enough for a sweep last, in milliseconds on the monotonic clock; undefined if all that were are covered. */
  enoughAt: number | undefined;
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
  /** In milliseconds. */
  readonly #gracePeriod: number;
  readonly #backlogs = new Map<string, Backlog>();
  /** The automatic sweeps come one after the other. */
  #lastSweep: Promise<void> = Promise.resolve();

  constructor(context: LedgerContext, timing: ResolvedOptions["sweep"]) {
    this.#context = context;
    this.#timing = timing;
    this.#gracePeriod = toMilliseconds(context.limits.gracePeriod);
  }

  /** A task of this partition was completed. */
  noteCompletion(partition: Partition): void {
    if (this.#timing.every === 0) return;
    const name = partitionName(partition);
    const backlog = this.#backlogs.get(name) ?? { count: 0, enoughAt: undefined };
    this.#backlogs.set(name, backlog);
    if (this.#backlogs.size > MAX_BACKLOGS) this.#backlogs.delete(this.#backlogs.keys().next().value as string);
    if (++backlog.count < this.#timing.every) return;
    // Not before a sweep would cover them.
    if (backlog.enoughAt === undefined) this.#sweepLater(this.#gracePeriod, partition, backlog);
    backlog.count = 0;
    backlog.enoughAt = this.#context.runtime.monotonic();
  }

  /** A scan has read a partition to its end: covers what it found completed, if that is worthwhile. */
  readonly afterScan = (entries: PartitionEntries, start: ScanStart): void => {
    const { enoughAt } = this.#backlogs.get(partitionName(entries.partition)) ?? {};
    const isWorthwhile = entries.isHeavy || enoughAt !== undefined;
    if (this.#timing.every > 0 && isWorthwhile && !this.#wasSweptLately(entries, start))
      // A later scan does it again.
      this.#context.inFlight.run(() => this.#cover(entries, start).catch(() => undefined));
  };

  /** Sweeps a list now. Throws CLOCK_SKEW, and what the store throws. */
  async sweep(taskList: string, signal?: AbortSignal): Promise<SweepReport> {
    const report = { partitions: 0, entries: 0, ranges: 0 };
    for (const partition of partitionsOf(taskList, this.#context.shards)) {
      const { partitions, entries, ranges } = await this.#sweepPartition(partition, signal);
      report.partitions += partitions;
      report.entries += entries;
      report.ranges += ranges;
    }
    return report;
  }

  /** Sweeps a partition after a time, and again each interval until the completions that were enough are covered. */
  #sweepLater(milliseconds: number, partition: Partition, backlog: Backlog): void {
    const { runtime, inFlight, closing } = this.#context;
    const sweep = async () => {
      if (closing.signal.aborted) return;
      const coveredTo = runtime.monotonic() - this.#gracePeriod;
      const report = await this.#sweepPartition(partition, closing.signal, true).catch(() => undefined);
      if (report?.partitions && (backlog.enoughAt ?? 0) <= coveredTo) backlog.enoughAt = undefined;
      else this.#sweepLater(this.#timing.interval, partition, backlog);
    };
    runtime.later(milliseconds, () => {
      this.#lastSweep = this.#lastSweep.then(sweep);
      inFlight.run(() => this.#lastSweep);
    });
  }

  async #sweepPartition(partition: Partition, signal?: AbortSignal, unlessLately = false): Promise<SweepReport> {
    const { rules, limits, guard, startScan } = this.#context;
    await guard.untilTrusted(signal);
    const start = startScan();
    const savedBefore = rules.removalLimit(start, limits) + 1n;
    const found = new PartitionEntries(this.#context, partition, start, { savedBefore, signal });
    await found.fill();
    if (unlessLately && this.#wasSweptLately(found, start)) return { partitions: 0, entries: 0, ranges: 0 };
    let entries = 0;
    for (; await found.fill(); entries++) found.take();
    return { partitions: 1, entries, ranges: await this.#cover(found, start) };
  }

  /** Writes tombstones over the gaps between the entries that stay; returns their number. */
  async #cover({ partition, bound, gaps }: PartitionEntries, start: ScanStart): Promise<number> {
    const { rules, limits, commit } = this.#context;
    const allowed = rules.removalLimit(start, limits);
    // A scan with a cutoff has not read all that is old enough.
    const at = allowed < bound ? allowed : bound;
    const { covered, recorded } = gaps.rangesUpTo(at);
    if (covered.length > 0 && at > 0n) {
      const tombstones = covered.map((range): Mutation => ({ kind: "delete-entries", ...range, at }));
      await commit.write(partition, [...tombstones, { kind: "put-sweep", ranges: recorded, at }]);
    }
    return covered.length;
  }

  /** Whether this client or another has swept the partition within the interval. */
  #wasSweptLately({ sweep }: PartitionEntries, start: ScanStart): boolean {
    const { rules, limits } = this.#context;
    const age = rules.removalLimit(start, limits) - (sweep?.sweptTo ?? 0n);
    return age < BigInt(this.#timing.interval) * 1000n;
  }
}
