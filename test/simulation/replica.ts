import type { LedgerPlace, Mutation } from "../../src/adapters/cassandra/model/session.js";
import type { Version } from "../../src/core/version.js";
import { Cells, comparePlaces, coveredAt, type EntryCells, noTask, type RangeCells } from "./cells.js";

/** A query to a replica. */
export type Query = { readonly kind: "tasks"; readonly ids: readonly string[] } | EntriesQuery | { kind: "sweep" };

/** The entries after a place, up to a version, in order or in reverse. */
export interface EntriesQuery {
  readonly kind: "entries";
  readonly after: LedgerPlace;
  readonly upTo: Version;
  readonly limit: number;
  readonly isReversed?: boolean;
  /** Only those that lie before. */
  readonly before?: LedgerPlace;
  /** Only this one, which lies in the range. */
  readonly only?: LedgerPlace;
}

/** The answer of a replica to a query. */
export interface Answer {
  readonly cells: Cells;
  /** The place at which it stopped, with the requested number of live entries. */
  readonly stoppedAt: LedgerPlace | undefined;
  readonly tombstones: number;
}

/** One replica: the cells of its partitions. */
export class Replica {
  readonly index: number;
  readonly dataCenter: number;
  readonly #partitions = new Map<number, Cells>();

  constructor(index: number, dataCenter: number) {
    this.index = index;
    this.dataCenter = dataCenter;
  }

  get shards(): readonly number[] {
    return [...this.#partitions.keys()];
  }

  /** The cells of a partition. There is one list, so that the shard is enough to find it. */
  cellsOf(shard: number): Cells {
    let cells = this.#partitions.get(shard);
    if (cells === undefined) {
      cells = new Cells();
      this.#partitions.set(shard, cells);
    }
    return cells;
  }

  /** A batch: all of it or nothing. */
  apply(shard: number, mutations: readonly Mutation[], sweepExpiresAt: number): void {
    const cells = this.cellsOf(shard);
    for (const mutation of mutations) cells.apply(mutation, sweepExpiresAt);
  }

  read(shard: number, query: Query, nowInSeconds: number): Answer {
    const own = this.cellsOf(shard);
    const cells = new Cells();
    if (query.kind === "entries") return readEntries(own, query);
    if (query.kind === "tasks") for (const id of query.ids) cells.mergeTask(own.tasks.get(id) ?? noTask(id));
    else if (own.sweep && own.sweep.expiresAt > nowInSeconds) cells.sweep = own.sweep;
    return { cells, stoppedAt: undefined, tombstones: 0 };
  }
}

export function isInRange({ after, upTo, before, only }: EntriesQuery, place: LedgerPlace): boolean {
  if (only) return comparePlaces(place, only) === 0;
  if (before && comparePlaces(place, before) >= 0) return false;
  return place.savedAt <= upTo && comparePlaces(place, after) > 0;
}

/** The rows in the order in which they are read. */
export function inReadingOrder(query: EntriesQuery, rows: Iterable<EntryCells>): EntryCells[] {
  const inRange = [...rows].filter((row) => isInRange(query, row)).sort(comparePlaces);
  return query.isReversed ? inRange.reverse() : inRange;
}

function readEntries(own: Cells, query: EntriesQuery): Answer {
  const cells = new Cells();
  for (const range of rangesWithin(own, query)) cells.addRange(range);
  let tombstones = cells.ranges.size;
  let live = 0;
  let stoppedAt: LedgerPlace | undefined;
  for (const row of inReadingOrder(query, own.entries.values())) {
    cells.mergeEntry(row);
    const covered = coveredAt(cells.ranges.values(), row.savedAt);
    if (row.writtenAt > row.deletedAt && row.writtenAt > covered) live++;
    else if (row.deletedAt > covered) tombstones++;
    // A single row is read completely.
    if (query.only || live < query.limit) continue;
    stoppedAt = row;
    break;
  }
  return { cells, stoppedAt, tombstones };
}

/** The parts of the range tombstones within a query, without those that a later one hides. */
function rangesWithin(own: Cells, { after, upTo, only }: EntriesQuery): RangeCells[] {
  const [low, high] = only ? [only.savedAt - 1n, only.savedAt + 1n] : [after.savedAt - 1n, upTo + 1n];
  const all = [...own.ranges.values()];
  return all
    .filter((range) => range.before > low + 1n && range.after < high - 1n)
    .filter(
      (range) =>
        !all.some(
          (other) => other.after <= range.after && other.before >= range.before && other.deletedAt > range.deletedAt,
        ),
    )
    .map(({ after: from, before: to, deletedAt }) => ({
      after: from > low ? from : low,
      before: to < high ? to : high,
      deletedAt,
    }));
}
