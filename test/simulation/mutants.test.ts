import { describe, expect, test } from "vitest";
import type { Version } from "../../src/adapter/adapter.js";
import { ledgerRules } from "../../src/adapters/cassandra/ledger/rules.js";
import { describeHunt, type Hunt, hunt } from "./hunt.js";
import {
  entry,
  GRACE_PERIOD,
  removedByStoppedReader,
  removedWhereReplaced,
  START,
  sweptByStoppedReader,
} from "./lone-reader.js";
import { findMutant, type Mutant, mutants, optionsOf } from "./mutants.js";

const caught = mutants.filter(({ seed }) => seed !== undefined);
const kept = mutants.filter(({ seed }) => seed === undefined);

/** Where the adapter has changed so that the seed's history is another, so many are tried. */
const HISTORIES = 3_000;

const LONG = 600_000;

function search(mutant: Mutant, from: number, maxHistories: number): Promise<Hunt> {
  return hunt(from, { ...optionsOf(mutant), maxHistories, counts: (breach) => breach === mutant.breaks });
}

describe("a rule made weaker breaks a promise, and the oracle notices", { timeout: LONG }, () => {
  for (const mutant of caught)
    test(`${mutant.name}: ${mutant.breaks}`, async () => {
      const known = await search(mutant, mutant.seed as number, 1);
      if (known.breaches.length > 0) return;
      const found = await search(mutant, 1, HISTORIES);
      console.log(`"${mutant.name}" is noticed at seed ${found.breaches[0]?.seed}, and no more at ${mutant.seed}`);
      expect(found.breaches, describeHunt(found, mutant.name)).not.toEqual([]);
    });

  test("but the same histories with all rules in place break none", async () => {
    for (const { seed, weather, options } of caught) {
      const found = await hunt(seed as number, { weather, ledger: options.ledger, maxHistories: 1 });
      expect(found.breaches, describeHunt(found)).toEqual([]);
    }
  });
});

describe("a rule that no history has shown the need of stays for a reason", { timeout: LONG }, () => {
  for (const mutant of kept)
    test(`${mutant.name}: ${mutant.whyItStays}`, async () => {
      expect(mutant.whyItStays).toBeDefined();
      const found = await hunt(1, { ...optionsOf(mutant), maxHistories: 100 });
      expect(found.breaches, `it is noticed:\n${describeHunt(found, mutant.name)}`).toEqual([]);
    });

  test("a reader that was stopped leaves an entry whose save may have come through meanwhile", async () => {
    expect(await removedByStoppedReader()).toEqual([]);
  });

  test("one that judges by the present time removes it, and the task", async () => {
    const { weakening } = findMutant("an entry without a task goes at an age taken after the reads").options;
    const weaken = (now: () => Version) => weakening?.rules?.({ session: {} as never, shards: 1, now }) ?? {};
    expect(await removedByStoppedReader(weaken)).toContainEqual({ kind: "delete-task", id: "x", at: entry.savedAt });
  });

  test("a reader that was stopped sweeps no further than was safe before it read", async () => {
    const limit = START - GRACE_PERIOD;
    const swept = await sweptByStoppedReader();
    expect(swept.map(({ kind }) => kind)).toEqual(["delete-entries", "put-sweep"]);
    expect(swept.map((mutation) => "at" in mutation && mutation.at)).toEqual([limit, limit]);
  });

  test("one that judges by the present time covers what was saved meanwhile", async () => {
    const { weakening } = findMutant("the age limit is taken after the reads").options;
    const weaken = (now: () => Version) => weakening?.rules?.({ session: {} as never, shards: 1, now }) ?? {};
    const [covered] = await sweptByStoppedReader(weaken);
    expect(covered).toMatchObject({ kind: "delete-entries", after: 0n });
    expect(covered && "before" in covered && covered.before).toBeGreaterThan(START + 1_000_000n);
  });

  test("a reader leaves an entry that was replaced further ahead than clocks may be off: its own may be slow", async () => {
    const removal = ledgerRules.removingReplaced(entry.id, entry.savedAt);
    expect(await removedWhereReplaced(2_000_000n)).toEqual(removal);
    expect(await removedWhereReplaced(2_000_001n)).toEqual([]);
    expect(await removedWhereReplaced(3_600_000_000n)).toEqual([]);
  });

  test("a reader whose clock is slow goes by the servers': what seems young to it may be old", async () => {
    const removal = ledgerRules.removingReplaced(entry.id, entry.savedAt);
    const half = GRACE_PERIOD / 2n;
    expect(await removedWhereReplaced(0n, { behind: half - 1_000n })).toEqual(removal);
    expect(await removedWhereReplaced(0n, { behind: half })).toEqual([]);
  });
});
