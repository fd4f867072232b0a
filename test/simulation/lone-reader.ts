import type { StoredTask } from "../../src/adapter/adapter.js";
import { Ledger } from "../../src/adapters/cassandra/ledger.js";
import { type LedgerPlace, type LedgerRules, ledgerRules } from "../../src/adapters/cassandra/rules.js";
import type { LedgerSession, Mutation } from "../../src/adapters/cassandra/session.js";
import { type Version, VersionClock } from "../../src/core/version.js";
import { taskEntry } from "../../src/testing/entries.js";
import { LIST } from "./operations.js";

const START = 1_700_000_000_000_000n;

/** In microseconds; the least that the clock's limit allows. */
const MARGIN = 20_000_000n;

/** The only entry of its ledger, saved just before the pass begins. */
export const entry: LedgerPlace = { savedAt: START - 1000n, id: "x" };

interface Reading {
  readonly rules: Partial<LedgerRules>;
  readonly now: () => Version;
  /** How far the reader's clock is behind the servers', in microseconds. */
  readonly behind?: Version;
  /** The answer to the one question for the entry's task. */
  readonly readTasks: () => StoredTask[];
}

/**
 * What a reader writes that finds the entry without its task, because the save is on its way, and is stopped for twice the
 * margin before it sees the answer. The save may be acknowledged by then.
 */
export function removedByStoppedReader(rules: Partial<LedgerRules>): Promise<readonly Mutation[]> {
  let now = START;
  const readTasks = () => {
    now += 2n * MARGIN;
    return [];
  };
  return removed({ rules, now: () => now, readTasks });
}

/**
 * What a reader writes by whose clock the entry was replaced by a version so many microseconds in the future; that clock
 * is so many behind the servers'.
 */
export function removedWhereReplaced(
  ahead: Version,
  { behind = 0n, rules = {} }: { behind?: Version; rules?: Partial<LedgerRules> } = {},
): Promise<readonly Mutation[]> {
  const { body } = taskEntry(LIST, entry.id);
  const row = { id: entry.id, savedAt: START + ahead, body };
  return removed({ rules, now: () => START, behind, readTasks: () => [row] });
}

async function removed({ rules, now, behind = 0n, readTasks }: Reading): Promise<readonly Mutation[]> {
  const written: Mutation[] = [];
  const session: LedgerSession = {
    readLastEntry: async () => undefined,
    readSweep: async () => undefined,
    readEntries: async () => ({ entries: [{ ...entry, size: 1 }], isHeavy: false }),
    readTasks: async () => readTasks(),
    hasEntry: async () => true,
    readClock: async () => now() + behind,
    apply: async (_, mutations) => void written.push(...mutations),
  };
  const host = {
    clock: new VersionClock(now),
    monotonic: () => Number(now() - START) / 1000,
    after: () => () => undefined,
    later: () => () => undefined,
    random: () => 0,
  };
  const settings = { shards: 1, dataCenter: "dc", margin: Number(MARGIN) / 1000 };
  const ledger = new Ledger(session, settings, host, { sweepEvery: 0 }, { ...ledgerRules, ...rules });
  await ledger.open();
  for await (const _ of ledger.all(LIST, { pageSize: 10, maxPageBytes: 1000 }));
  await ledger.close();
  return written;
}
