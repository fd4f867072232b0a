import { expect, test } from "vitest";
import { resolveLedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import { Ledger } from "../../src/adapters/cassandra/ledger/ledger.js";
import type { LedgerSession, Mutation } from "../../src/adapters/cassandra/model/session.js";
import { VersionClock } from "../../src/core/version.js";
import { ManualRuntime } from "./manual-runtime.js";

const GRACE_PERIOD = 60_000;
const INTERVAL = 10_000;
const START = 1_700_000_000_000_000n;

/** A ledger of one partition in which nothing is open, swept after every two completions, and when it was swept. */
async function setUp() {
  const runtime = new (class extends ManualRuntime {
    override readonly clock = new VersionClock(() => START + BigInt(Math.floor(this.monotonic() * 1000)));
  })();
  const began = runtime.monotonic();
  const sweeps: number[] = [];
  let sweep: { sweptTo: bigint; ranges: [] } | undefined;
  const apply = async (_: unknown, mutations: readonly Mutation[]) => {
    for (const mutation of mutations)
      if (mutation.kind === "put-sweep") {
        sweep = { sweptTo: mutation.at, ranges: [] };
        sweeps.push(runtime.monotonic() - began);
      }
  };
  const session: LedgerSession = {
    apply,
    readTasks: async () => [],
    readEntries: async () => ({ entries: [], isHeavy: false }),
    readLastEntry: async () => undefined,
    hasEntry: async () => false,
    readSweep: async () => sweep,
    readClock: async () => runtime.clock.now(),
  };
  const settings = { shards: 1, dataCenter: "dc1", gracePeriod: GRACE_PERIOD };
  const options = resolveLedgerOptions({ sweepEvery: 2, sweepInterval: INTERVAL, clockInterval: 3_600_000 });
  const ledger = new Ledger({ session, settings, options, runtime });
  await ledger.open();
  const complete = async (count: number) => {
    const entries = Array.from({ length: count }, (_, i) => ({ taskList: "l", id: `${i}`, savedAt: START }));
    const done = ledger.complete(entries, {});
    await runtime.pass(1);
    await done;
  };
  return { runtime, ledger, sweeps, complete };
}

test("a partition with enough completions is swept when a sweep covers them, and no more", async () => {
  const { runtime, sweeps, complete } = await setUp();
  await complete(1);
  await runtime.pass(2 * GRACE_PERIOD);
  expect(sweeps).toEqual([]);
  await complete(1);
  await runtime.pass(GRACE_PERIOD - INTERVAL);
  expect(sweeps).toEqual([]);
  await runtime.pass(5 * GRACE_PERIOD);
  expect(sweeps).toHaveLength(1);
  expect(runtime.timers).toBe(0);
});

test("a partition that is completed in all the time is swept at each interval, and to its end", async () => {
  const { runtime, sweeps, complete } = await setUp();
  for (let time = 0; time < 2 * GRACE_PERIOD; time += 1_000) {
    await complete(2);
    await runtime.pass(999);
  }
  await runtime.pass(10 * GRACE_PERIOD);
  expect(sweeps.length).toBeGreaterThanOrEqual(12);
  for (const [i, time] of sweeps.entries()) expect(time - (sweeps[i - 1] ?? 0)).toBeGreaterThanOrEqual(INTERVAL);
  expect(sweeps.at(-1)).toBeGreaterThanOrEqual(3 * GRACE_PERIOD - 1_000);
  expect(runtime.timers).toBe(0);
});

test("a ledger that is closed sweeps nothing more", async () => {
  const { runtime, ledger, sweeps, complete } = await setUp();
  await complete(2);
  await ledger.close();
  await runtime.pass(2 * GRACE_PERIOD);
  expect(sweeps).toEqual([]);
});
