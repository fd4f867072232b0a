import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadLmdb, openTable, type Root, type Table } from "../../src/adapters/lmdb/driver.js";
import { type FreePages, readFreePages } from "../../src/adapters/lmdb/free-pages.js";
import { fits, hasRoomFor, needOf, RESERVE, type RowSize } from "../../src/adapters/lmdb/room.js";
import { Random } from "../../src/testing/random.js";
import { temporaryFolder } from "./folders.js";

describe("the free pages of a store, and of its disk,", () => {
  let folder: string;
  let root: Root;
  let table: Table;

  beforeEach(async () => {
    folder = temporaryFolder();
    root = (await loadLmdb()).openRoot(folder);
    table = openTable(root, "tasks");
  });

  afterEach(() => root.close());

  const put = (key: string, size: number) => table.put(Buffer.from(key), Buffer.alloc(size));
  const remove = (key: string) => table.remove(Buffer.from(key));

  /** Within the store's file, by what LMDB tells of each table. */
  function countFreePages(): number {
    const { root: names, free, lastPageNumber, ...stats } = (table as unknown as { getStats(): Stats }).getStats();
    const used = [stats as TableStats, names, free].map(
      ({ treeBranchPageCount, treeLeafPageCount, overflowPages }) =>
        treeBranchPageCount + treeLeafPageCount + overflowPages,
    );
    return lastPageNumber + 1 - 2 - used.reduce((sum, pages) => sum + pages);
  }

  it("are those that no table has, however the store has been used", async () => {
    const random = new Random(1);
    for (let i = 0; i < 60; i++) {
      await root.batch(() => {
        for (let j = 0; j < 50; j++) {
          if (random.below(2)) put(`${random.below(2000)}`, random.below(random.below(20) ? 300 : 30_000));
          else remove(`${random.below(2000)}`);
        }
      });
      root.resetReadTxn();
      const { runs, later } = readFreePages(folder) as FreePages;
      expect(runs.reduce((sum, run) => sum + run, later)).toBe(countFreePages());
    }
  });

  it("are in a long run where a long row was, once another transaction has gone by", async () => {
    await root.batch(() => put("a", 1_000_000));
    await root.batch(() => remove("a"));
    expect(readFreePages(folder)?.later).toBeGreaterThan(244);
    await root.batch(() => put("b", 1));
    expect(Math.max(...(readFreePages(folder)?.runs ?? []))).toBeGreaterThanOrEqual(245);
  });

  it("have room for a row that is not larger than the disk", () => {
    expect(hasRoomFor(folder, { puts: [{ key: 10, value: 1000 }], others: 0 })).toBe(true);
    expect(hasRoomFor(folder, { puts: [{ key: 10, value: 2 ** 52 }], others: 0 })).toBe(false);
  });

  it("have room for any one complete or claim, but not for more than the disk has pages", () => {
    expect(hasRoomFor(folder, { puts: [], others: 1 })).toBe(true);
    expect(hasRoomFor(folder, { puts: [], others: 1000 })).toBe(true);
    expect(hasRoomFor(folder, { puts: [], others: 2 ** 40 })).toBe(false);
  });
});

interface TableStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface Stats extends TableStats {
  readonly root: TableStats;
  readonly free: TableStats;
  readonly lastPageNumber: number;
}

describe("a transaction", () => {
  const none: FreePages = { runs: [], later: 0, behind: 0 };
  const needFor = (...puts: RowSize[]) => needOf({ puts, others: 0 });
  const small = needFor({ key: 20, value: 500 });
  const long = needFor({ key: 20, value: 40_000 });

  it("needs pages of its own, side by side, for a value that does not fit twice in one", () => {
    expect(small.runs).toEqual([]);
    expect(long.runs).toEqual([10]);
    expect(needFor({ key: 20, value: 4096 - 24 }).runs).toEqual([1]);
    expect(needFor({ key: 20, value: 4096 - 23 }).runs).toEqual([2]);
  });

  it("fits where the file can grow, or has pages that are free or left behind", () => {
    expect(fits(small, none, 0, RESERVE)).toBe(false);
    expect(fits(small, none, 100, RESERVE)).toBe(true);
    expect(fits(small, { ...none, runs: Array(100).fill(1) }, 0, RESERVE)).toBe(true);
    expect(fits(small, { ...none, behind: 100 }, 0, RESERVE)).toBe(true);
  });

  it("does not fit where it would leave nothing to a complete", () => {
    expect(fits(small, none, small.single + RESERVE - 1, RESERVE)).toBe(false);
    expect(fits(small, { ...none, later: RESERVE - 1 }, small.single + 1, RESERVE)).toBe(true);
  });

  it("that only completes may take what is left", () => {
    const complete = needOf({ puts: [], others: 10 });
    expect(fits(complete, none, complete.single, 0)).toBe(true);
    expect(fits(complete, none, complete.single - 1, 0)).toBe(false);
    expect(complete.single).toBeLessThan(RESERVE);
  });

  it("can't use what the last one has freed", () => {
    expect(fits(small, { ...none, later: 100 }, 0, RESERVE)).toBe(false);
  });

  it("does not fit, if its row is long, where the pages that are free lie apart", () => {
    const apart = Array(200).fill(9);
    expect(fits(long, { ...none, runs: apart }, 0, RESERVE)).toBe(false);
    expect(fits(long, { ...none, runs: apart }, 10, RESERVE)).toBe(true);
    expect(fits(long, { ...none, runs: [...apart, 10] }, 0, RESERVE)).toBe(true);
  });

  it("finds no two places in one run", () => {
    const two = needFor({ key: 20, value: 40_000 }, { key: 20, value: 40_000 });
    const apart = Array(200).fill(1);
    expect(fits(two, { ...none, runs: [...apart, 19] }, 0, RESERVE)).toBe(false);
    expect(fits(two, { ...none, runs: [...apart, 20] }, 0, RESERVE)).toBe(true);
  });
});
