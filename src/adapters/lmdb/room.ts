import { statfsSync } from "node:fs";
import { PAGE_BYTES } from "./data-file.js";
import { type FreePages, readFreePages } from "./free-pages.js";

/** What a transaction changes. */
export interface Changes {
  /** The tasks that it puts. */
  readonly puts: readonly RowSize[];
  /** How many tasks it removes, and claims it puts. */
  readonly others: number;
}

/** How long a row is, in bytes. */
export interface RowSize {
  readonly key: number;
  readonly value: number;
}

/**
 * Whether the disk has room for a transaction that makes these changes. To be called while the store is being read.
 *
 * lmdb-js 3.5.6 must not meet a full disk: it describes the failed write in 100 bytes of memory, which the text overruns,
 * and the process may be aborted. What meets one in spite of this: a quota that statfs does not know of (EDQUOT), a disk
 * that somebody else fills at the same moment, another process that reads at that moment what the free pages held, a file
 * system that never writes in place, and a complete or a claim that has a transaction of its own. That one is never held
 * back, since it is what makes room: saves leave {@link RESERVE} to it.
 */
export function hasRoomFor(folder: string, { puts, others }: Changes): boolean {
  if (puts.length === 0 && others <= 1) return true;
  const reserve = puts.length > 0 ? RESERVE : 0;
  const need = needOf({ puts, others });
  const growth = pagesLeft(folder);
  if (total(need) + reserve <= growth) return true; // as nearly always: then this takes a few microseconds
  const free = readFreePages(folder);
  return free === undefined || fits(need, free, growth, reserve);
}

/** How many pages a transaction writes. */
export interface Need {
  /** Those that may lie anywhere. */
  readonly single: number;
  /** A value that is long has pages of its own, which lie side by side. */
  readonly runs: readonly number[];
}

/**
 * LMDB writes no page in its place, so each that changes is copied. These are on the way to the rows in four tables (the
 * tasks, the ledger, the root and the list of free pages) of up to a million rows each, with some to spare.
 */
const COPIED = 16;

/** A task is in a leaf of the tasks and one of the ledger; the version that it replaces, or its claim, is in another. */
const COPIED_A_CHANGE = 3;

/** A leaf holds two rows at least, so that a longer one has its value elsewhere; and one that is split is half full. */
const HALF_A_PAGE = 2026;
const PAGE_HEADER_BYTES = 24;

/**
 * What saves leave to the completes that are to make room: two of them one after the other, as the second can't yet use
 * what the first has freed, or one of some ten tasks; where more are completed at once, and do not fit, they are tried
 * one by one. In pages: 256 KiB.
 */
export const RESERVE = 64;

export function needOf({ puts, others }: Changes): Need {
  const runs: number[] = [];
  let small = 0;
  for (const { key, value } of puts)
    if (key + value > HALF_A_PAGE) runs.push(Math.ceil((PAGE_HEADER_BYTES + value) / PAGE_BYTES));
    else small += key + value;
  return { single: COPIED + COPIED_A_CHANGE * (puts.length + others) + Math.ceil(small / HALF_A_PAGE), runs };
}

function total({ single, runs }: Need): number {
  return runs.reduce((sum, run) => sum + run, single);
}

/** By how many pages the file can grow. No limit where the file system doesn't say. */
function pagesLeft(folder: string): number {
  const { blocks, bavail, bsize } = statfsSync(folder);
  return blocks === 0 ? Number.POSITIVE_INFINITY : Math.floor((bavail * bsize) / PAGE_BYTES);
}

/**
 * Whether a transaction finds its pages, and leaves so many to later ones as a reserve, in a file that can grow by so
 * many. They are given out as by LMDB: each request gets the shortest run that is long enough, and makes the file grow if
 * there is none. So free pages that lie apart do not help a long row.
 */
export function fits(need: Need, free: FreePages, growth: number, reserve: number): boolean {
  const runs = free.runs.toSorted((a, b) => a - b);
  let left = growth + free.behind - takeSingle(runs, need.single);
  for (const run of need.runs.toSorted((a, b) => b - a)) if (!takeRun(runs, run)) left -= run;
  return left >= 0 && left + free.later + runs.reduce((sum, run) => sum + run, 0) >= reserve;
}

/** Takes pages of the shortest runs, and gives how many are missing. */
function takeSingle(runs: number[], count: number): number {
  let missing = count;
  while (missing > 0) {
    const shortest = runs.shift();
    if (shortest === undefined) return missing;
    if (shortest > missing) runs.unshift(shortest - missing);
    missing = Math.max(missing - shortest, 0);
  }
  return missing;
}

function takeRun(runs: number[], length: number): boolean {
  const index = runs.findIndex((run) => run >= length);
  const run = runs[index];
  if (run === undefined) return false;
  runs.splice(index, 1);
  if (run > length) {
    runs.push(run - length);
    runs.sort((a, b) => a - b);
  }
  return true;
}
