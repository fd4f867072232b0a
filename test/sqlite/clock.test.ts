import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Version } from "../../src/adapter/adapter.js";
import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import { VersionClock } from "../../src/core/version.js";
import { taskEntry } from "../../src/testing/entries.js";
import { temporaryFolder } from "../support/folders.js";

const folder = temporaryFolder();
const LIST = "clock.example";
const NOON: Version = 1_800_000_000_000_000n;
const SECOND: Version = 1_000_000n;
const HOUR: Version = 3_600n * SECOND;
let cases = 0;
let path: string;
beforeEach(() => {
  path = join(folder, `ledger-${cases++}.db`);
});

/** A process whose wall clock shows this time. */
function processAt(time: Version): SqliteAdapter {
  return new SqliteAdapter({ path, clock: new VersionClock(() => time) });
}

async function save(adapter: SqliteAdapter, id: string, replaces: readonly Version[] = []): Promise<Version> {
  const [outcome] = await adapter.save([taskEntry(LIST, id, { replaces })]);
  if (outcome?.ok) return outcome.value;
  throw outcome?.error;
}

async function idsOf(adapter: SqliteAdapter, savedBefore?: Version): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of adapter.all(LIST, { pageSize: 2, maxPageBytes: 1e6, savedBefore }))
    ids.push(...page.map(({ id }) => id));
  return ids;
}

async function inTurn<T>(time: Version, act: (adapter: SqliteAdapter) => Promise<T>): Promise<T> {
  const adapter = processAt(time);
  try {
    return await act(adapter);
  } finally {
    await adapter.close();
  }
}

describe("a clock that was an hour ahead and is set back", () => {
  test("costs no save: a late complete of what was saved before takes nothing away", async () => {
    const early = await inTurn(NOON + HOUR, async (adapter) => {
      const version = await save(adapter, "a");
      await adapter.complete([{ taskList: LIST, id: "a", savedAt: version }]);
      return version;
    });
    await inTurn(NOON, async (adapter) => {
      const later = await save(adapter, "a");
      expect(later).toBeGreaterThan(early);
      await adapter.complete([{ taskList: LIST, id: "a", savedAt: early }]);
      expect(await idsOf(adapter)).toEqual(["a"]);
    });
  });

  test("costs no recovery: what was saved while it was ahead is old at once", async () => {
    await inTurn(NOON + HOUR, (adapter) => save(adapter, "ahead"));
    await inTurn(NOON + SECOND, async (adapter) => expect(await idsOf(adapter, NOON)).toEqual(["ahead"]));
  });

  test("makes nothing old that is young: what is saved after it goes by its own time", async () => {
    await inTurn(NOON + HOUR, (adapter) => save(adapter, "ahead"));
    await inTurn(NOON, (adapter) => save(adapter, "young"));
    await inTurn(NOON + SECOND, async (adapter) => {
      expect(await idsOf(adapter, NOON - 60n * SECOND)).toEqual(["ahead"]);
      expect(await idsOf(adapter, NOON + SECOND)).toEqual(["ahead", "young"]);
    });
    // Also once the clock has come to where it was.
    await inTurn(NOON + HOUR + 10n * SECOND, async (adapter) => {
      await save(adapter, "youngest");
      expect(await idsOf(adapter, NOON + HOUR)).toEqual(["young"]);
      expect(await idsOf(adapter, NOON + HOUR + 5n * SECOND)).toEqual(["ahead", "young"]);
    });
  });

  test("keeps the order in which tasks were saved", async () => {
    for (const [time, id] of [
      [NOON, "first"],
      [NOON + HOUR, "second"],
      [NOON + SECOND, "third"],
    ] as const)
      await inTurn(time, (adapter) => save(adapter, id));
    await inTurn(NOON + 2n * SECOND, async (adapter) =>
      expect(await idsOf(adapter)).toEqual(["first", "second", "third"]),
    );
  });
});

describe("a save that replaces a version far ahead", () => {
  test("which this file gave is taken", async () => {
    const ahead = await inTurn(NOON + HOUR, (adapter) => save(adapter, "a"));
    await inTurn(NOON, async (adapter) => expect(await save(adapter, "a", [ahead])).toBeGreaterThan(ahead));
  });

  test("which it did not give is refused, and moves no other task", async () => {
    await inTurn(NOON, async (adapter) => {
      await expect(save(adapter, "a", [NOON + HOUR])).rejects.toMatchObject({ code: "CLOCK_SKEW", field: "savedAt" });
      expect(await save(adapter, "b")).toBeLessThan(NOON + SECOND);
    });
  });
});
