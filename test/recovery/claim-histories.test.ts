import { describe, expect, test } from "vitest";
import { ClaimHistory, type Weakness } from "./claim-history.js";

const HISTORIES = 60;

async function firstBreach(weakness: Weakness): Promise<string | undefined> {
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const { breaches } = await new ClaimHistory(seed, weakness).run();
    if (breaches.length > 0) return `seed ${seed}: ${breaches[0]}`;
  }
  return undefined;
}

/** Requests that are lost, late or not answered; hosts whose clocks are off by up to the limit, and are set; workers that die. */
describe("claims on a simulated Cassandra", { timeout: 120_000 }, () => {
  test("never give a version to two workers at once, and no token twice", async () => {
    expect(await firstBreach({})).toBeUndefined();
  });

  test("are granted, renewed, lost from sight and ended in these histories", async () => {
    const { grants, renewals, unknown, completed } = await new ClaimHistory(1).run();
    for (const count of [grants, renewals, unknown, completed]) expect(count).toBeGreaterThan(5);
  });

  test.each([
    ["leases are judged as if all clocks were one", { tolerance: 0 }],
    ["claims are granted whatever has happened since the row was read", { blind: true }],
    ["a renewal that comes late makes a lease shorter", { shortens: true }],
    ["a claim of unknown outcome counts as granted", { hopeful: true }],
  ])("break where %s", async (_, weakness) => {
    expect(await firstBreach(weakness)).toMatch(/both had version/);
  });
});
