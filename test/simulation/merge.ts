import type { StoredTask } from "../../src/adapter/adapter.js";
import type { LedgerEntry } from "../../src/adapters/cassandra/model/session.js";
import { Cells, comparePlaces, coveredAt, isTaskLive, NEVER, noEntry, placeKey, type RangeCells } from "./cells.js";
import { type Answer, type EntriesQuery, inReadingOrder } from "./replica.js";

/** The answer that a coordinator makes of those of several replicas. */
export interface Merged {
  readonly cells: Cells;
  readonly entries: readonly LedgerEntry[];
  /** For each answer, the cells that its replica lacks; undefined if it lacks none. */
  readonly repairs: readonly (Cells | undefined)[];
}

/** The task rows, or the row of the sweep, after merging the answers. */
export function mergeRows(answers: readonly Answer[]): Merged {
  const cells = new Cells();
  for (const answer of answers) cells.mergeAll(answer.cells);
  const repairs = answers.map(({ cells: own }) => {
    const repair = new Cells();
    for (const row of cells.tasks.values()) if (!isSame(own.tasks.get(row.id), row)) repair.mergeTask(row);
    if (cells.sweep && !isSame(own.sweep, cells.sweep)) repair.sweep = cells.sweep;
    return repair.tasks.size > 0 || repair.sweep ? repair : undefined;
  });
  return { cells, entries: [], repairs };
}

/**
 * The live entries. Undefined, with the answers whose replicas must be asked for more, if entries of one answer are deleted in
 * another, so that there are too few (short read protection).
 */
export function mergeEntries(
  query: EntriesQuery,
  answers: readonly Answer[],
): Merged | { readonly short: readonly number[] } {
  const cells = new Cells();
  for (const answer of answers) cells.mergeAll(answer.cells);
  const ranges = [...cells.ranges.values()];
  const rows = inReadingOrder(query, cells.entries.values());
  const direction = query.isReversed ? -1 : 1;
  const isPast = (place: { savedAt: bigint; id: string }, end: { savedAt: bigint; id: string }) =>
    direction * comparePlaces(place, end) > 0;
  const isLive = ({ writtenAt, deletedAt, savedAt }: (typeof rows)[number]) =>
    writtenAt > deletedAt && writtenAt > coveredAt(ranges, savedAt);
  const stops = answers.flatMap(({ stoppedAt }) => stoppedAt ?? []);
  const certain = rows.filter((row) => stops.every((stop) => !isPast(row, stop)));
  const live = certain.filter(isLive).slice(0, query.limit);
  if (live.length < query.limit && stops.length > 0) {
    const nearest = stops.reduce((near, stop) => (isPast(near, stop) ? stop : near));
    return { short: answers.flatMap(({ stoppedAt }, i) => (stoppedAt && !isPast(stoppedAt, nearest) ? i : [])) };
  }
  const last = live.length === query.limit ? live.at(-1) : undefined;
  const reached = last ? rows.filter((row) => !isPast(row, last)) : rows;
  const closed = repairable(query, ranges, last);
  const repairs = answers.map(({ cells: own }) => repairOf(own, reached, closed, ranges));
  return { cells, entries: live.map(({ savedAt, id, size }) => ({ savedAt, id, size })), repairs };
}

/**
 * The range tombstones that a repair sends: those that a read of many entries has passed completely. Cassandra may or may not
 * send one that is still open at the end of the read, or that hides the single entry of the query.
 */
function repairable(
  { only, after: start, isReversed }: EntriesQuery,
  ranges: readonly RangeCells[],
  last: LedgerEntry | undefined,
): readonly RangeCells[] {
  if (only) return [];
  const from = start.id === "" ? start.savedAt - 1n : start.savedAt;
  return ranges
    .filter(({ after, before }) => !last || (isReversed ? after >= last.savedAt : before <= last.savedAt))
    .map((range) => (range.after < from ? { ...range, after: from } : range))
    .filter(({ after, before }) => before - after > 1n);
}

function repairOf(
  own: Cells,
  rows: ReturnType<typeof inReadingOrder>,
  closed: readonly RangeCells[],
  ranges: readonly RangeCells[],
): Cells | undefined {
  const repair = new Cells();
  for (const range of closed) if (!isKnown(range, own)) repair.addRange(range);
  for (const row of rows) {
    // Cells that a range tombstone hides are not sent with the row.
    const covered = coveredAt(ranges, row.savedAt);
    const writtenAt = row.writtenAt > covered && row.writtenAt > row.deletedAt ? row.writtenAt : NEVER;
    const deletedAt = row.deletedAt > covered ? row.deletedAt : NEVER;
    if (writtenAt === NEVER && deletedAt === NEVER) continue;
    const has = own.entries.get(placeKey(row)) ?? noEntry(row);
    const isUpToDate =
      (writtenAt === NEVER || (has.writtenAt === writtenAt && has.size === row.size)) &&
      (deletedAt === NEVER || has.deletedAt === deletedAt);
    if (!isUpToDate) repair.mergeEntry({ ...row, writtenAt, deletedAt });
  }
  return repair.ranges.size > 0 || repair.entries.size > 0 ? repair : undefined;
}

function isKnown(range: RangeCells, own: Cells): boolean {
  for (const { after, before, deletedAt } of own.ranges.values())
    if (after <= range.after && before >= range.before && deletedAt >= range.deletedAt) return true;
  return false;
}

function isSame(a: object | undefined, b: object): boolean {
  if (a === b) return true;
  if (a === undefined) return false;
  return Object.entries(b).every(([name, value]) => (a as Record<string, unknown>)[name] === value);
}

export function liveTasks(cells: Cells): readonly StoredTask[] {
  return [...cells.tasks.values()]
    .filter(isTaskLive)
    .map(({ id, writtenAt, body }) => ({ id, savedAt: writtenAt, body }));
}
