import { expect, test } from "vitest";
import type { AllOptions } from "../../src/adapter/adapter.js";
import { type LedgerOptions, resolveLedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import { Ledger } from "../../src/adapters/cassandra/ledger/ledger.js";
import type { EntryRange, LedgerSession, Mutation } from "../../src/adapters/cassandra/model/session.js";
import { processRuntime } from "../../src/adapters/cassandra/runtime.js";

const settings = { shards: 1, dataCenter: "dc1", gracePeriod: 600_000 };
const pages: AllOptions = { pageSize: 10, maxPageBytes: 1_000_000 };

/** Entries of an hour ago, the first of a completed task, and among them more tombstones than Cassandra likes. */
const start = BigInt(Date.now()) * 1000n - 3_600_000_000n;
const versions = [1n, 2n, 3n, 4n].map((minutes) => start + minutes * 60_000_000n);

function heavyPartition(): { session: LedgerSession; written: Mutation[]; ranges: EntryRange[] } {
  const written: Mutation[] = [];
  const ranges: EntryRange[] = [];
  const session: LedgerSession = {
    async apply(_, mutations) {
      written.push(...mutations);
    },
    async readTasks(_, ids) {
      const open = ids.filter((id) => id !== String(versions[0]));
      return open.map((id) => ({ id, savedAt: BigInt(id), body: new Uint8Array() }));
    },
    async readEntries(_, range) {
      ranges.push(range);
      const found = versions.filter((each) => each >= range.after.savedAt && each <= range.upTo);
      return { entries: found.map((savedAt) => ({ savedAt, id: String(savedAt), size: 1 })), isHeavy: true };
    },
    readLastEntry: async () => undefined,
    hasEntry: async () => false,
    readSweep: async () => undefined,
    readClock: async () => BigInt(Date.now()) * 1000n,
  };
  return { session, written, ranges };
}

function openLedger(session: LedgerSession, options: LedgerOptions = {}): Ledger {
  return new Ledger({ session, settings, options: resolveLedgerOptions(options), runtime: processRuntime });
}

async function list(ledger: Ledger, options: AllOptions): Promise<bigint[]> {
  const found: bigint[] = [];
  for await (const page of ledger.all("l", options)) found.push(...page.map(({ savedAt }) => savedAt));
  await ledger.close();
  return found;
}

test("a whole pass removes entries of completed tasks, and sweeps what lies between those that stay", async () => {
  const { session, written } = heavyPartition();
  const ledger = openLedger(session);
  await ledger.open();
  expect(await list(ledger, pages)).toEqual(versions.slice(1));
  const kinds = written.map(({ kind }) => kind);
  expect(kinds).toContain("delete-entry");
  expect(kinds).toContain("delete-entries");
});

test("a pass behind a version reads nothing before it, and so must not sweep that", async () => {
  const { session, written, ranges } = heavyPartition();
  const ledger = openLedger(session);
  await ledger.open();
  const [, second = 0n] = versions;
  expect(await list(ledger, { ...pages, after: second })).toEqual(versions.slice(2));
  expect(written).toEqual([]);
  for (const { after } of ranges) expect(after.savedAt).toBeGreaterThan(second);
});

test("who opens the ledger read-only removes and sweeps nothing, whatever is read", async () => {
  const { session, written } = heavyPartition();
  const ledger = openLedger(session, { readOnly: true });
  await ledger.open();
  expect(await list(ledger, pages)).toEqual(versions.slice(1));
  expect(written).toEqual([]);
});
