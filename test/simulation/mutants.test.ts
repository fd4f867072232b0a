import { describe, expect, test } from "vitest";
import { ledgerRules } from "../../src/adapters/cassandra/rules.js";
import { hunt } from "./hunt.js";
import { mutants, optionsOf } from "./mutants.js";

const caught = mutants.filter(({ seed }) => seed !== undefined);
const kept = mutants.filter(({ seed }) => seed === undefined);

/** Where the adapter has changed so that the seed's history is another, so many of those that follow are tried. */
const HISTORIES = 3_000;

const LONG = 120_000;

describe("a rule made weaker breaks a promise, and the oracle notices", { timeout: LONG }, () => {
  test.each(caught)("$name", async (mutant) => {
    const options = { ...optionsOf(mutant), maxHistories: 1 };
    const known = await hunt(mutant.seed as number, options);
    if (known.breaches.length > 0) return;
    const found = await hunt(1, { ...options, maxHistories: HISTORIES });
    console.log(`"${mutant.name}" is noticed at ${found.breaches[0]?.seed}, and no more at ${mutant.seed}`);
    expect(found.breaches).not.toEqual([]);
  });

  test("but the same histories with all rules in place break none", async () => {
    for (const { seed, weather } of caught) {
      const { breaches } = await hunt(seed as number, { maxHistories: 1, ...(weather && { weather }) });
      expect(breaches).toEqual([]);
    }
  });
});

describe("a rule that no history has shown the need of is kept, for a reason that is told", () => {
  test.each(kept)("$name", ({ whyItStays }) => {
    expect(whyItStays).toMatch(/\w{3,} .*\.$/);
  });

  const limits = { clock: 1_000_000n, margin: 600_000_000n };

  test("a replaced entry stays while its successor's was not seen", () => {
    const now = 10n ** 15n;
    expect(ledgerRules.mayRemoveReplaced(now - 1n, true, now, limits)).toBe(true);
    expect(ledgerRules.mayRemoveReplaced(now - 1n, false, now, limits)).toBe(false);
  });

  test("an entry without a task is judged by the clocks before the first read", () => {
    const before = 10n ** 15n;
    const later = { before, serverBefore: before, now: before + 2n * limits.margin };
    expect(ledgerRules.removalLimit(later, limits)).toBeLessThan(before);
  });

  test("a pass looks for what hosts with clocks ahead have saved", () => {
    const startedAt = 10n ** 15n;
    expect(ledgerRules.passBound(startedAt, limits)).toBeGreaterThanOrEqual(startedAt + limits.clock);
    expect(ledgerRules.passEnd(startedAt, startedAt + 5n)).toBe(startedAt + 5n);
  });
});
