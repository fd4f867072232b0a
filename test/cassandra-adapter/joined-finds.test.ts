import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { StoredTask } from "../../src/adapter/adapter.js";
import { JoinedFinds } from "../../src/adapters/cassandra/batching/joined-finds.js";
import { InFlight } from "../../src/adapters/cassandra/in-flight.js";
import { type LedgerSession, SessionError } from "../../src/adapters/cassandra/model/session.js";
import { ManualRuntime } from "./manual-runtime.js";
import { ScriptedSession } from "./scripted-session.js";

const partition = { taskList: "acme.com", shard: 0 };
const taskOf = (id: string): StoredTask => ({ id, savedAt: 1n, body: new TextEncoder().encode(id) });

interface Read {
  readonly shard: number;
  readonly ids: readonly string[];
  readonly timeout: number;
  /** Answers with the rows of the ids that are there. */
  answer(there?: (id: string) => boolean): void;
  fail(error: Error): void;
}

/** Reads that are answered only when a test says so, as are the hands of the clock. */
function setUp() {
  const runtime = new ManualRuntime();
  const reads: Read[] = [];
  const readTasks: LedgerSession["readTasks"] = ({ shard }, ids, timeout) =>
    new Promise((resolve, reject) => {
      const answer = (there: (id: string) => boolean = () => true) => resolve(ids.filter(there).map(taskOf));
      reads.push({ shard, ids, timeout, answer, fail: reject });
    });
  const session = new ScriptedSession({ readTasks });
  const policy = { deadline: 1_000, attemptTimeout: 1_000 };
  const finds = new JoinedFinds(session, runtime, policy, new InFlight());
  const find = (id: string, from = partition, signal?: AbortSignal) => {
    const finding = finds.find(from, id, signal);
    finding.catch(() => undefined);
    return finding;
  };
  const idsRead = () => reads.map(({ ids }) => ids);
  return { runtime, reads, find, idsRead };
}

describe("finds in one partition", () => {
  test("that are made in one turn leave together, and each gets its own task", async () => {
    const { reads, find, idsRead } = setUp();
    const finds = ["a", "b", "a", "c"].map((id) => find(id));
    await setImmediate();
    expect(idsRead()).toEqual([["a", "b", "c"]]);
    reads[0]?.answer((id) => id !== "c");
    expect(await Promise.all(finds)).toEqual([taskOf("a"), taskOf("b"), taskOf("a"), undefined]);
  });

  test("that are made while two reads are under way leave together when one of these ends", async () => {
    const { reads, find, idsRead } = setUp();
    for (const id of ["a", "b", "c", "d"]) {
      find(id);
      await setImmediate();
    }
    expect(idsRead()).toEqual([["a"], ["b"]]);
    reads[1]?.answer();
    await setImmediate();
    expect(idsRead()).toEqual([["a"], ["b"], ["c", "d"]]);
  });

  test("never share a read that began before they were made: what was saved meanwhile must be found", async () => {
    const { reads, find, idsRead } = setUp();
    find("a");
    await setImmediate();
    find("a");
    await setImmediate();
    expect(idsRead()).toEqual([["a"], ["a"]]);
    reads[0]?.answer();
  });

  test("ask for 32 ids at once, and no more", async () => {
    const { find, idsRead } = setUp();
    for (let i = 0; i < 40; i++) find(`${i}`);
    await setImmediate();
    expect(idsRead().map(({ length }) => length)).toEqual([32, 8]);
  });

  test("do not wait for those in another", async () => {
    const { reads, find } = setUp();
    find("a");
    find("b", { ...partition, shard: 1 });
    await setImmediate();
    expect(reads.map(({ shard }) => shard)).toEqual([0, 1]);
  });

  test("wait 20 ms for reads that hang, and are then sent, with what is left of their time", async () => {
    const { runtime, reads, find, idsRead } = setUp();
    for (const id of ["a", "b", "c"]) {
      find(id);
      await setImmediate();
    }
    await runtime.pass(19);
    expect(idsRead()).toEqual([["a"], ["b"]]);
    const late = find("d");
    await runtime.pass(1);
    expect(idsRead()).toEqual([["a"], ["b"], ["c", "d"]]);
    expect(reads[2]?.timeout).toBe(980);
    reads[2]?.answer();
    expect(await late).toEqual(taskOf("d"));
    await setImmediate();
    expect(runtime.timers).toBe(0);
  });

  test("fail together, and those that follow do not", async () => {
    const { reads, find } = setUp();
    const finds = [find("a"), find("b")];
    await setImmediate();
    reads[0]?.fail(new Error("no replica"));
    for (const each of finds) await expect(each).rejects.toThrow("no replica");
    const next = find("a");
    await setImmediate();
    reads[1]?.answer();
    expect(await next).toEqual(taskOf("a"));
  });

  test("of the same task get bytes of their own", async () => {
    const { reads, find } = setUp();
    const finds = [find("a"), find("a")];
    await setImmediate();
    reads[0]?.answer();
    const [first, second] = await Promise.all(finds);
    first?.body.fill(0);
    expect(second).toEqual(taskOf("a"));
  });

  test("that are aborted are answered at once; their read is tried again for others, and for nobody else", async () => {
    const { runtime, reads, find, idsRead } = setUp();
    const aborting = [new AbortController(), new AbortController()];
    const finds = aborting.map(({ signal }, i) => find(`${i}`, partition, signal));
    await setImmediate();
    aborting[0]?.abort();
    await expect(finds[0]).rejects.toMatchObject({ code: "ABORTED" });
    reads[0]?.fail(new SessionError("unavailable", false, "too few replicas"));
    await runtime.pass(100);
    expect(idsRead()).toEqual([
      ["0", "1"],
      ["0", "1"],
    ]);
    aborting[1]?.abort();
    await expect(finds[1]).rejects.toMatchObject({ code: "ABORTED" });
    reads[1]?.fail(new SessionError("unavailable", false, "too few replicas"));
    await runtime.pass(1_000);
    expect(reads).toHaveLength(2);
  });

  test("that are aborted before they leave are not read at all", async () => {
    const { find, idsRead } = setUp();
    const aborting = new AbortController();
    const aborted = find("a", partition, aborting.signal);
    const other = find("b");
    aborting.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
    await expect(find("c", partition, aborting.signal)).rejects.toMatchObject({ code: "ABORTED" });
    await setImmediate();
    expect(idsRead()).toEqual([["b"]]);
    other.catch(() => undefined);
  });
});
