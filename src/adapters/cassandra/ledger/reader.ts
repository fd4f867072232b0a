import type { AllOptions, StoredTask } from "../../../adapter/adapter.js";
import { abortWith, throwIfAborted } from "../../../core/abort.js";
import { forEachConcurrently } from "../../../core/concurrency.js";
import { latestOf } from "../../../core/version.js";
import { type Partition, partitionsOf } from "../model/partition.js";
import { retryAttempts, retryRead, toTaskError } from "../retry.js";
import type { LedgerContext } from "./context.js";
import { ListScan } from "./list-scan.js";
import { PartitionEntries } from "./partition-entries.js";
import type { ScanStart } from "./rules.js";
import { segmentsAfter, segmentsBetween } from "./swept-ranges.js";
import type { LedgerWriter } from "./writer.js";

/** Number of entries read at once from a partition, and as many ahead, unless there are too many partitions: entries are small. */
const ENTRIES_PER_READ = { most: 500, least: 8, ofAllPartitions: 32_000 };

/** Number of entries to read at once from one of several partitions. */
export function defaultEntriesPerRead(shards: number): number {
  const { most, least, ofAllPartitions } = ENTRIES_PER_READ;
  return Math.max(least, Math.min(most, Math.floor(ofAllPartitions / shards)));
}

/** Maximum number of partitions that are opened at once. */
const CONCURRENCY = 32;

/** Called for each partition that a scan has read to its end. */
export type OnPartitionRead = (entries: PartitionEntries, start: ScanStart) => void;

/** The open tasks of a list, oldest first, a page at a time; no version twice. One page is read ahead. */
export async function* readList(
  context: LedgerContext,
  writer: LedgerWriter,
  taskList: string,
  options: AllOptions,
  onRead: OnPartitionRead,
): AsyncGenerator<readonly StoredTask[], void, undefined> {
  const { closing, shards } = context;
  const left = new AbortController();
  const releases = [options.signal, closing].map((signal) => abortWith(left, signal));
  const start = startScan(context);
  const ahead = { ...options, signal: left.signal };
  const scan = new ListScan(context, writer, start, ahead, (entries) => {
    // What lies between `after` and the first entry that is read was not looked at: nothing may be swept.
    if (options.after === undefined) onRead(entries, start);
  });
  let next: Promise<readonly StoredTask[]> | undefined;
  try {
    await forEachConcurrently(partitionsOf(taskList, shards), CONCURRENCY, async (partition) =>
      scan.add(await openEntries(context, partition, start, ahead)),
    );
    next = scan.nextPage();
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
    await next?.catch(() => undefined);
  }
}

/** The clocks; must be read before the first read that is judged by them. */
export function startScan({ runtime, guard }: LedgerContext): ScanStart {
  return { host: runtime.clock.now(), server: guard.serverNow() };
}

/** Finds where a scan of a partition ends, and begins to read its entries. */
export async function openEntries(
  { rules, limits, session, runtime, policy, entriesPerRead }: LedgerContext,
  partition: Partition,
  { host }: ScanStart,
  { savedBefore, after = 0n, signal }: Pick<AllOptions, "savedBefore" | "after" | "signal">,
): Promise<PartitionEntries> {
  const bound = rules.scanBound(host, limits);
  const [last, sweep] = await Promise.all([
    retryRead(runtime, policy, signal, (timeout) => session.readLastEntry(partition, bound, timeout)),
    retryRead(runtime, policy, signal, (timeout) => session.readSweep(partition, timeout)),
  ]);
  const end = rules.scanEnd(bound, last?.savedAt);
  const upTo = savedBefore !== undefined && savedBefore <= end ? savedBefore - 1n : end;
  // Tasks with a version of a wrong clock may be of any age.
  const beyond = { from: latestOf([bound, upTo]) + 1n, upTo: end };
  return new PartitionEntries({
    partition,
    bound: upTo,
    sweep,
    segments: segmentsAfter([...segmentsBetween(sweep?.ranges ?? [], upTo), beyond], after),
    pageSize: entriesPerRead,
    read: (range) =>
      retryAttempts(runtime, policy, signal, (timeout) => session.readEntries(partition, range, timeout)),
  });
}
