import { describe, expect, test } from "vitest";
import { GapFinder, segmentsBetween } from "../../src/adapters/cassandra/ledger/swept-ranges.js";
import type { SweepRecord } from "../../src/adapters/cassandra/model/session.js";

function gapsOf(entries: readonly bigint[], limit: bigint, sweep?: SweepRecord) {
  const finder = new GapFinder(sweep);
  for (const entry of entries) finder.note(entry);
  return finder.rangesUpTo(limit);
}

describe("the gaps between entries that stay", () => {
  test("are covered up to the limit, each", () => {
    const { covered, recorded } = gapsOf([10n, 20n, 21n, 200n], 100n);
    expect(covered).toEqual([
      { after: 0n, before: 10n },
      { after: 10n, before: 20n },
      { after: 21n, before: 101n },
    ]);
    expect(recorded).toEqual(covered);
  });

  test("are covered by the hundred, though only the widest eight are recorded", () => {
    const entries = Array.from({ length: 150 }, (_, i) => BigInt((i + 1) * 100));
    const { covered, recorded } = gapsOf(entries, 20_000n);
    expect(covered).toHaveLength(151);
    expect(recorded).toHaveLength(8);
  });

  test("that are old are not covered again, however wide, and stay recorded", () => {
    const old = Array.from({ length: 400 }, (_, i) => BigInt((i + 1) * 1_000_000));
    const sweptTo = 400_000_000n;
    const young = Array.from({ length: 100 }, (_, i) => sweptTo + BigInt((i + 1) * 10));
    const ranges = [{ after: 0n, before: 1_000_000n }];
    const { covered, recorded } = gapsOf([...old, ...young], sweptTo + 1_000n, { sweptTo, ranges });
    expect(covered).toHaveLength(100);
    expect(covered[0]).toEqual({ after: sweptTo, before: sweptTo + 10n });
    expect(recorded).toHaveLength(8);
    expect(recorded[0]).toEqual(ranges[0]);
  });

  test("that have grown over old ones are covered, and recorded in place of those", () => {
    const ranges = [
      { after: 10n, before: 50n },
      { after: 50n, before: 101n },
    ];
    const { covered, recorded } = gapsOf([10n, 300n], 400n, { sweptTo: 100n, ranges });
    expect(covered).toEqual([
      { after: 10n, before: 300n },
      { after: 300n, before: 401n },
    ]);
    expect(recorded).toEqual(covered);
  });

  test("are none where a sweep has gone further", () => {
    const ranges = [{ after: 10n, before: 101n }];
    expect(gapsOf([10n, 300n], 90n, { sweptTo: 100n, ranges })).toEqual({ covered: [], recorded: ranges });
  });

  test("are the widest, of very many", () => {
    const entries = Array.from({ length: 10_000 }, (_, i) => BigInt(i * 10 + (i === 9_000 ? 9 : 0)) + 1n);
    const { covered, recorded } = gapsOf(entries, 200_000n);
    expect(covered).toHaveLength(256);
    expect(recorded).toContainEqual({ after: 89_991n, before: 90_010n });
  });
});

describe("what is read of a ledger with ranges", () => {
  test("is all that lies between them, and none of them", () => {
    const ranges = [
      { after: 5n, before: 10n },
      { after: 10n, before: 20n },
      { after: 30n, before: 90n },
    ];
    expect(segmentsBetween(ranges, 0n, 100n)).toEqual([
      { from: 1n, upTo: 5n },
      { from: 10n, upTo: 10n },
      { from: 20n, upTo: 30n },
      { from: 90n, upTo: 100n },
    ]);
  });

  test("is nothing before a range from the very first version on, nor after one up to the bound", () => {
    const ranges = [
      { after: 0n, before: 10n },
      { after: 20n, before: 101n },
    ];
    expect(segmentsBetween(ranges, 0n, 100n)).toEqual([{ from: 10n, upTo: 20n }]);
  });

  test("begins after a version that is asked for, wherever it lies", () => {
    const ranges = [{ after: 5n, before: 10n }];
    expect(segmentsBetween(ranges, 3n, 20n)).toEqual([
      { from: 4n, upTo: 5n },
      { from: 10n, upTo: 20n },
    ]);
    expect(segmentsBetween(ranges, 7n, 20n)).toEqual([{ from: 10n, upTo: 20n }]);
    expect(segmentsBetween(ranges, 15n, 20n)).toEqual([{ from: 16n, upTo: 20n }]);
  });
});
