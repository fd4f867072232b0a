import type { StoredTask } from "../../src/adapter/adapter.js";
import { resolveLedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import { Ledger } from "../../src/adapters/cassandra/ledger/ledger.js";
import { type LedgerRules, ledgerRules } from "../../src/adapters/cassandra/ledger/rules.js";
import type { EntriesRead, LedgerPlace, LedgerSession, Mutation } from "../../src/adapters/cassandra/model/session.js";
import { type Version, VersionClock } from "../../src/core/version.js";
import { taskEntry } from "../../src/testing/entries.js";
import { LIST } from "./operations.js";

export const START = 1_700_000_000_000_000n;

/** The minimum grace period at the limit of clocks, in microseconds. */
export const GRACE_PERIOD = 20_000_000n;

/** The only entry of its ledger, saved just before the pass begins. */
export const entry: LedgerPlace = { savedAt: START - 1000n, id: "x" };

interface Reading {
  readonly rules: Partial<LedgerRules>;
  readonly now: () => Version;
  /** How far the reader's clock is behind the servers', in microseconds. */
  readonly behind?: Version;
  /** The answer to the query for the ledger's entries. */
  readonly readEntries?: () => EntriesRead;
  /** The answer to the query for the entry's task. */
  readonly readTasks?: () => StoredTask[];
}

/**
 * What a reader writes if it finds the entry without its task, since the save has not arrived yet, and is stopped for twice
 * the grace period before it sees the answer. The save may be acknowledged by then.
 */
export function removedByStoppedReader(
  weaken: (now: () => Version) => Partial<LedgerRules> = () => ({}),
): Promise<readonly Mutation[]> {
  let now = START;
  const rules = weaken(() => now);
  const readTasks = () => {
    now += 2n * GRACE_PERIOD;
    return [];
  };
  return written({ rules, now: () => now, readTasks });
}

/**
 * What a reader writes if it finds only tombstones in a ledger, and is stopped for twice the grace period before it sees the
 * answer. Saves may be acknowledged by then.
 */
export function sweptByStoppedReader(
  weaken: (now: () => Version) => Partial<LedgerRules> = () => ({}),
): Promise<readonly Mutation[]> {
  let now = START;
  const rules = weaken(() => now);
  const readEntries = () => {
    now += 2n * GRACE_PERIOD;
    return { entries: [], isHeavy: true };
  };
  return written({ rules, now: () => now, readEntries });
}

/**
 * What a reader writes if, by its clock, the entry was replaced by a version `ahead` microseconds in the future; its clock is
 * `behind` microseconds behind the servers'.
 */
export function removedWhereReplaced(
  ahead: Version,
  { behind = 0n, rules = {} }: { behind?: Version; rules?: Partial<LedgerRules> } = {},
): Promise<readonly Mutation[]> {
  const { body } = taskEntry(LIST, entry.id);
  const row = { id: entry.id, savedAt: START + ahead, body };
  return written({ rules, now: () => START, behind, readTasks: () => [row] });
}

async function written({ rules, now, behind = 0n, ...reads }: Reading): Promise<readonly Mutation[]> {
  const all: Mutation[] = [];
  const { readTasks = () => [], readEntries = () => ({ entries: [{ ...entry, size: 1 }], isHeavy: false }) } = reads;
  const session: LedgerSession = {
    readLastEntry: async () => undefined,
    readSweep: async () => undefined,
    readEntries: async () => readEntries(),
    readTasks: async () => readTasks(),
    hasEntry: async () => true,
    readClock: async () => now() + behind,
    apply: async (_, mutations) => void all.push(...mutations),
  };
  const runtime = {
    clock: new VersionClock(now),
    monotonic: () => Number(now() - START) / 1000,
    after: () => () => undefined,
    later: () => () => undefined,
    random: () => 0,
  };
  const settings = { shards: 1, dataCenter: "dc", gracePeriod: Number(GRACE_PERIOD) / 1000 };
  const options = resolveLedgerOptions({});
  const ledger = new Ledger({ session, settings, options, runtime, rules: { ...ledgerRules, ...rules } });
  await ledger.open();
  for await (const _ of ledger.all(LIST, { pageSize: 10, maxPageBytes: 1000 }));
  await ledger.close();
  return all;
}
