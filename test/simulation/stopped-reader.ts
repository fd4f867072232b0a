import { Ledger } from "../../src/adapters/cassandra/ledger.js";
import { type LedgerPlace, type LedgerRules, ledgerRules } from "../../src/adapters/cassandra/rules.js";
import type { LedgerSession, Mutation } from "../../src/adapters/cassandra/session.js";
import { VersionClock } from "../../src/version.js";
import { LIST } from "./operations.js";

const START = 1_700_000_000_000_000n;

/** In microseconds; the least that the clock's limit allows. */
const MARGIN = 20_000_000n;

/**
 * What a reader writes that finds an entry without its task, because the save is on its way, and is stopped for twice the
 * margin before it sees the answer. The save may be acknowledged by then.
 */
export async function removedByStoppedReader(rules: Partial<LedgerRules>): Promise<readonly Mutation[]> {
  let now = START;
  const written: Mutation[] = [];
  const session: LedgerSession = {
    readLastEntry: async () => undefined,
    readSweep: async () => undefined,
    readEntries: async () => ({ entries: [{ ...onItsWay, size: 1 }], isHeavy: false }),
    async readTasks() {
      now += 2n * MARGIN;
      return [];
    },
    hasEntry: async () => true,
    readClock: async () => now,
    apply: async (_, mutations) => void written.push(...mutations),
  };
  const host = {
    clock: new VersionClock(() => now),
    monotonic: () => Number(now - START) / 1000,
    after: () => () => undefined,
    later: () => () => undefined,
    random: () => 0,
  };
  const settings = { shards: 1, dataCenter: "dc", margin: Number(MARGIN) / 1000 };
  const ledger = new Ledger(session, settings, host, { sweepEvery: 0 }, { ...ledgerRules, ...rules });
  await ledger.open();
  for await (const _ of ledger.all(LIST, { pageSize: 10, maxPageBytes: 1000 })) throw new Error("there is no task");
  await ledger.close();
  return written;
}

/** Saved just before the pass begins. */
export const onItsWay: LedgerPlace = { savedAt: START - 1000n, id: "x" };
