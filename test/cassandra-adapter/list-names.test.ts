import { describe, expect, test } from "vitest";
import type { Outcome } from "../../src/adapter/adapter.js";
import { ListNames } from "../../src/adapters/cassandra/ledger/list-names.js";
import { type ListSession, SessionError } from "../../src/adapters/cassandra/model/session.js";
import { processRuntime, type Runtime } from "../../src/adapters/cassandra/runtime.js";
import { type Version, VersionClock } from "../../src/core/version.js";

const HOUR = 3_600_000_000n;
const policy = { deadline: 1_000, attemptTimeout: 500 };

/** A table of names whose deletes lose to later writes, as Cassandra's do. */
class Table implements ListSession {
  readonly buckets = 1;
  readonly rows = new Map<string, Version>();
  readonly calls: string[] = [];
  failing = false;

  async noteList(name: string, at: Version): Promise<void> {
    this.calls.push(`note ${name}`);
    if (this.failing) throw new SessionError("refused", false, "refused");
    if (at > (this.rows.get(name) ?? 0n)) this.rows.set(name, at);
  }

  async readLists(_: number, after: string, limit: number) {
    const names = [...this.rows.keys()].sort().filter((name) => name > after);
    return names.slice(0, limit).map((name) => ({ name, notedAt: this.rows.get(name) as Version }));
  }

  async forgetList(name: string, at: Version): Promise<void> {
    this.calls.push(`forget ${name}`);
    if ((this.rows.get(name) ?? 0n) <= at) this.rows.delete(name);
  }
}

/** Processes that share a table, and the time. */
function setUp() {
  const table = new Table();
  const time = { now: BigInt(Date.now()) * 1000n };
  const runtime = (): Runtime => ({
    ...processRuntime,
    clock: new VersionClock(() => time.now),
    random: () => 0,
  });
  return { table, time, process: () => new ListNames(table, runtime(), policy) };
}

const saved: Outcome<Version> = { ok: true, value: 7n };
const to = (...lists: string[]) => lists.map((taskList) => ({ taskList }));

async function namesOf(names: ListNames, open: readonly string[], readOnly = false): Promise<string[]> {
  const found: string[] = [];
  for await (const page of names.pages(async (list) => !open.includes(list), readOnly, undefined)) found.push(...page);
  return found;
}

describe("a list that is saved to", () => {
  test("is noted before the save is acknowledged, and then not again for an hour", async () => {
    const { table, time, process } = setUp();
    const names = process();
    expect(await names.settle(to("a", "b", "a"), [saved, saved, saved])).toEqual([saved, saved, saved]);
    expect(table.calls).toEqual(["note a", "note b"]);
    expect(await names.settle(to("a"), [saved])).toEqual([saved]);
    time.now += HOUR;
    await names.settle(to("a"), [saved]);
    expect(table.calls).toEqual(["note a", "note b", "note a"]);
  });

  test("is noted once, however many saves wait for it", async () => {
    const { table, process } = setUp();
    const names = process();
    await Promise.all([1, 2, 3].map(() => names.settle(to("a"), [saved])));
    expect(table.calls).toEqual(["note a"]);
  });

  test("is noted again by a process whose clock was set back", async () => {
    const { table, time, process } = setUp();
    const names = process();
    await names.settle(to("a"), [saved]);
    time.now -= 48n * HOUR;
    await names.settle(to("a"), [saved]);
    expect(table.calls).toEqual(["note a", "note a"]);
  });

  test("is not noted for a save that has failed", async () => {
    const { table, process } = setUp();
    const failed: Outcome<Version> = { ok: false, error: new Error("x") as never };
    expect(await process().settle(to("a"), [failed])).toEqual([failed]);
    expect(table.calls).toEqual([]);
  });

  test("that can't be noted makes the outcome unknown: the task is there at its version", async () => {
    const { table, process } = setUp();
    table.failing = true;
    const [first, second] = await process().settle(to("a", "b"), [saved, saved]);
    expect(first).toMatchObject({ ok: false, attempted: 7n, error: { outcome: "unknown", taskList: "a" } });
    expect(second).toMatchObject({ ok: false, error: { taskList: "b" } });
    table.failing = false;
  });
});

describe("the names", () => {
  test("are those of all lists that were noted, in pages", async () => {
    const { table, process } = setUp();
    const lists = Array.from({ length: 1_200 }, (_, i) => `list ${i}`);
    for (const list of lists) await table.noteList(list, BigInt(Date.now()) * 1000n);
    expect((await namesOf(process(), [])).sort()).toEqual(lists.sort());
  });

  test("of lists that have ended are taken away after a day, and no others", async () => {
    const { table, time, process } = setUp();
    await process().settle(to("ended", "open", "young"), [saved, saved, saved]);
    time.now += 23n * HOUR;
    expect(await namesOf(process(), ["open"])).toEqual(["ended", "open", "young"]);
    await process().settle(to("young"), [saved]);
    time.now += 2n * HOUR;
    expect(await namesOf(process(), ["open"])).toEqual(["open", "young"]);
    expect([...table.rows.keys()]).toEqual(["open", "young"]);
  });

  test("are left where they are by who only reads", async () => {
    const { table, time, process } = setUp();
    await process().settle(to("ended"), [saved]);
    time.now += 48n * HOUR;
    expect(await namesOf(process(), [], true)).toEqual([]);
    expect([...table.rows.keys()]).toEqual(["ended"]);
  });

  test("of a list that is saved to while it is taken away stays", async () => {
    const { table, time, process } = setUp();
    const saver = process();
    await saver.settle(to("a"), [saved]);
    time.now += 25n * HOUR;
    const isEmpty = async () => {
      await saver.settle(to("a"), [saved]); // just after the list was read, and found empty
      return true;
    };
    for await (const _ of process().pages(isEmpty, false, undefined));
    expect([...table.rows.keys()]).toEqual(["a"]);
  });
});
