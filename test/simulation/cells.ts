import type { LedgerPlace, Mutation, SweptRange } from "../../src/adapters/cassandra/model/session.js";
import type { Version } from "../../src/core/version.js";

/** A timestamp before all others: nothing was written, or deleted. */
export const NEVER: Version = -1n;

/** A row of `tasks`. It has one column, whose timestamp is the version. */
export interface TaskCells {
  readonly id: string;
  readonly writtenAt: Version;
  readonly body: Uint8Array;
  readonly deletedAt: Version;
}

/** A row of `open_tasks`. */
export interface EntryCells extends LedgerPlace {
  readonly writtenAt: Version;
  readonly size: number;
  readonly deletedAt: Version;
}

/** A range tombstone of `open_tasks`, both ends exclusive. */
export interface RangeCells extends SweptRange {
  readonly deletedAt: Version;
}

/** The row of `sweeps`, which expires. */
export interface SweepCells {
  readonly sweptTo: Version;
  readonly ranges: readonly SweptRange[];
  /** In seconds. */
  readonly expiresAt: number;
}

const NOTHING = new Uint8Array();

/**
 * The cells of one partition, of a replica or of an answer. Merging is commutative, associative and idempotent, as in
 * Cassandra: the later timestamp wins; of equal ones a deletion; of equal writes the larger value.
 */
export class Cells {
  readonly tasks = new Map<string, TaskCells>();
  readonly entries = new Map<string, EntryCells>();
  readonly ranges = new Map<string, RangeCells>();
  sweep: SweepCells | undefined;

  apply(mutation: Mutation, sweepExpiresAt: number): void {
    switch (mutation.kind) {
      case "put-task": {
        const { id, savedAt, body } = mutation;
        this.mergeTask({ id, writtenAt: savedAt, body, deletedAt: NEVER });
        break;
      }
      case "put-entry": {
        const { id, savedAt, size } = mutation;
        this.mergeEntry({ id, savedAt, writtenAt: savedAt, size, deletedAt: NEVER });
        break;
      }
      case "delete-task":
        this.mergeTask({ ...noTask(mutation.id), deletedAt: mutation.at });
        break;
      case "delete-entry":
        this.mergeEntry({ ...noEntry(mutation), deletedAt: mutation.at });
        break;
      case "delete-entries": {
        const { after, before, at } = mutation;
        this.addRange({ after, before, deletedAt: at });
        break;
      }
      case "put-sweep": {
        const { at, ranges } = mutation;
        this.mergeSweep({ sweptTo: at, ranges, expiresAt: sweepExpiresAt });
        break;
      }
    }
  }

  mergeTask(row: TaskCells): void {
    const own = this.tasks.get(row.id);
    this.tasks.set(row.id, own ? mergedTask(own, row) : row);
  }

  mergeEntry(row: EntryCells): void {
    const key = placeKey(row);
    const own = this.entries.get(key);
    this.entries.set(key, own ? mergedEntry(own, row) : row);
  }

  addRange(range: RangeCells): void {
    this.ranges.set(`${range.after} ${range.before} ${range.deletedAt}`, range);
  }

  mergeSweep(row: SweepCells): void {
    if (this.sweep === undefined || isSweepAfter(row, this.sweep)) this.sweep = row;
  }

  /** Merges all cells of the other. */
  mergeAll(other: Cells): void {
    for (const row of other.tasks.values()) this.mergeTask(row);
    for (const row of other.entries.values()) this.mergeEntry(row);
    for (const range of other.ranges.values()) this.addRange(range);
    if (other.sweep) this.mergeSweep(other.sweep);
  }
}

export function noTask(id: string): TaskCells {
  return { id, writtenAt: NEVER, body: NOTHING, deletedAt: NEVER };
}

export function noEntry({ savedAt, id }: LedgerPlace): EntryCells {
  return { savedAt, id, writtenAt: NEVER, size: -1, deletedAt: NEVER };
}

export function isTaskLive({ writtenAt, deletedAt }: TaskCells): boolean {
  return writtenAt > deletedAt;
}

/** The latest of the range tombstones that cover a place. */
export function coveredAt(ranges: Iterable<RangeCells>, savedAt: Version): Version {
  let latest = NEVER;
  for (const { after, before, deletedAt } of ranges)
    if (after < savedAt && savedAt < before && deletedAt > latest) latest = deletedAt;
  return latest;
}

export function placeKey({ savedAt, id }: LedgerPlace): string {
  return `${savedAt} ${id}`;
}

/** In clustering order. */
export function comparePlaces(a: LedgerPlace, b: LedgerPlace): number {
  if (a.savedAt !== b.savedAt) return a.savedAt < b.savedAt ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

function mergedTask(a: TaskCells, b: TaskCells): TaskCells {
  const deletedAt = max(a.deletedAt, b.deletedAt);
  if (a.writtenAt !== b.writtenAt) return { ...(a.writtenAt > b.writtenAt ? a : b), deletedAt };
  const body = Buffer.compare(a.body, b.body) >= 0 ? a.body : b.body;
  return { id: a.id, writtenAt: a.writtenAt, body, deletedAt };
}

function mergedEntry(a: EntryCells, b: EntryCells): EntryCells {
  const later = a.writtenAt > b.writtenAt || (a.writtenAt === b.writtenAt && a.size >= b.size) ? a : b;
  return { ...later, deletedAt: max(a.deletedAt, b.deletedAt) };
}

/** Of two expiring writes with the same timestamp, the one that expires later wins, then the larger value. */
function isSweepAfter(a: SweepCells, b: SweepCells): boolean {
  if (a.sweptTo !== b.sweptTo) return a.sweptTo > b.sweptTo;
  if (a.expiresAt !== b.expiresAt) return a.expiresAt > b.expiresAt;
  return Buffer.compare(rangeBytes(a), rangeBytes(b)) > 0;
}

/** A list as Cassandra writes it: its length, then each element after its own length. */
function rangeBytes({ ranges }: SweepCells): Buffer {
  const ends = ranges.flatMap(({ after, before }) => [after, before]);
  const bytes = Buffer.alloc(4 + 12 * ends.length);
  bytes.writeInt32BE(ends.length);
  for (const [i, end] of ends.entries()) {
    bytes.writeInt32BE(8, 4 + 12 * i);
    bytes.writeBigInt64BE(end, 8 + 12 * i);
  }
  return bytes;
}

function max(a: Version, b: Version): Version {
  return a > b ? a : b;
}
