import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { GroupCommit, type GroupCommitOptions } from "../../src/adapters/cassandra/batching/group-commit.js";
import { InFlight } from "../../src/adapters/cassandra/in-flight.js";
import { type Mutation, SessionError } from "../../src/adapters/cassandra/model/session.js";
import { processRuntime, type Runtime } from "../../src/adapters/cassandra/runtime.js";
import { ManualRuntime } from "./manual-runtime.js";
import { type Batch, ScriptedSession } from "./scripted-session.js";

const partition = { taskList: "acme.com", shard: 0 };
const options: GroupCommitOptions = { deadline: 10_000, attemptTimeout: 1_000, maxOperations: 4, maxBytes: 1_000 };

function save(id: string, savedAt = 1n, bytes = 10): Mutation[] {
  return [
    { kind: "put-task", id, savedAt, body: new Uint8Array(bytes) },
    { kind: "put-entry", id, savedAt, size: bytes },
  ];
}

function complete(id: string): Mutation[] {
  return [
    { kind: "delete-task", id, at: 1n },
    { kind: "delete-entry", savedAt: 1n, id, at: 1n },
  ];
}

function setUp(given: Partial<GroupCommitOptions> = {}, runtime: Runtime = processRuntime) {
  const session = new ScriptedSession();
  const inFlight = new InFlight();
  const commit = new GroupCommit(session, runtime, { ...options, ...given }, inFlight);
  const write = (mutations: readonly Mutation[], signal?: AbortSignal, to = partition) => {
    const outcome = commit.write(to, mutations, signal);
    outcome.catch(() => undefined);
    return outcome;
  };
  return { batches: session.batches, write, inFlight };
}

/** The next batch that is sent. */
async function next(batches: Batch[], index: number): Promise<Batch> {
  while (batches[index] === undefined) await setImmediate();
  return batches[index];
}

const idsOf = ({ mutations }: Batch) => mutations.flatMap((each) => (each.kind === "put-task" ? [each.id] : []));

describe("writes to one partition", () => {
  test("that arrive while one is under way leave together", async () => {
    const { batches, write } = setUp();
    const first = write(save("a"));
    await next(batches, 0);
    const others = ["b", "c", "d"].map((id) => write(save(id)));
    await setImmediate();
    expect(batches.map(idsOf)).toEqual([["a"]]);
    batches[0]?.answer();
    await first;
    (await next(batches, 1)).answer();
    await Promise.all(others);
    expect(batches.map(idsOf)).toEqual([["a"], ["b", "c", "d"]]);
  });

  test("that callers make as soon as they are answered leave together with what has waited", async () => {
    const { batches, write } = setUp();
    write(save("elsewhere"), undefined, { ...partition, shard: 1 });
    await next(batches, 0);
    const caller = async () => {
      await write(save("a"));
      for (let turn = 0; turn < 20; turn++) await undefined; // layers between
      await write(complete("a"));
    };
    const done = caller();
    const first = await next(batches, 1);
    const waited = write(save("b"));
    first.answer();
    (await next(batches, 2)).answer();
    await Promise.all([done, waited]);
    expect(batches.slice(1).map(({ mutations }) => mutations)).toEqual([save("a"), [...save("b"), ...complete("a")]]);
  });

  test("that are made in one turn leave together from the start", async () => {
    const { batches, write } = setUp();
    for (const id of ["a", "b"]) write(save(id));
    expect(idsOf(await next(batches, 0))).toEqual(["a", "b"]);
  });

  test("are bounded in number and in bytes; one that is larger leaves alone", async () => {
    const { batches, write } = setUp();
    const all = ["a", "b", "c", "d", "e"].map((id) => write(save(id)));
    all.push(write(save("f", 1n, 600)), write(save("g", 1n, 600)), write(save("h", 1n, 5_000)));
    for (let i = 0; i < 4; i++) (await next(batches, i)).answer();
    await Promise.all(all);
    expect(batches.map(idsOf)).toEqual([["a", "b", "c", "d"], ["e", "f"], ["g"], ["h"]]);
  });

  test("do not wait for those to another", async () => {
    const { batches, write } = setUp();
    write(save("a"));
    write(save("b"), undefined, { ...partition, shard: 1 });
    await next(batches, 1);
    expect(batches.map(({ partition: { shard } }) => shard)).toEqual([0, 1]);
  });

  test("keep a complete beside a save of the task: their timestamps tell which wins", async () => {
    const { batches, write } = setUp();
    const complete: Mutation[] = [{ kind: "delete-task", id: "a", at: 5n }];
    write(complete);
    write(save("a", 7n));
    expect((await next(batches, 0)).mutations).toEqual([...complete, ...save("a", 7n)]);
  });
});

describe("a batch", () => {
  const refused = new SessionError("refused", false, "the server does not like it");

  test("that is refused is split until the write that is not liked fails alone", async () => {
    const { batches, write } = setUp();
    const outcomes = ["a", "bad", "c", "d"].map((id) => write(save(id)));
    const settled = Promise.allSettled(outcomes);
    let answered = 0;
    const answering = (async () => {
      for (;;) {
        const batch = await next(batches, answered++);
        if (idsOf(batch).includes("bad")) batch.fail(refused);
        else batch.answer();
      }
    })();
    expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    await expect(outcomes[1]).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect(batches.map(idsOf)).toEqual([["a", "bad", "c", "d"], ["a", "bad"], ["a"], ["bad"], ["c", "d"]]);
    answering.catch(() => undefined);
  });

  test("that is too large for the server is split, too", async () => {
    const { batches, write } = setUp();
    const outcomes = ["a", "b"].map((id) => write(save(id)));
    (await next(batches, 0)).fail(new SessionError("too-large", false, "max_mutation_size"));
    (await next(batches, 1)).answer();
    (await next(batches, 2)).fail(new SessionError("too-large", false, "max_mutation_size"));
    await outcomes[0];
    await expect(outcomes[1]).rejects.toMatchObject({ code: "TOO_LARGE", outcome: "not-applied" });
  });

  test("whose coordinator does not answer is sent again, the same, until it is acknowledged", async () => {
    const { batches, write } = setUp();
    const outcome = write(save("a"));
    (await next(batches, 0)).fail(new SessionError("timeout", true, "no answer"));
    (await next(batches, 1)).fail(new SessionError("unavailable", false, "too few replicas"));
    const last = await next(batches, 2);
    expect(last.mutations).toEqual(batches[0]?.mutations);
    last.answer();
    await outcome;
  });
});

describe("past its deadline", () => {
  const failing = async (errors: SessionError[]) => {
    const runtime = new ManualRuntime();
    const { batches, write } = setUp({ deadline: 60 }, runtime);
    const outcome = write(save("a"));
    for (let time = 0, i = 0; time <= 60; time++) {
      await runtime.pass(1);
      for (; batches[i]; i++) batches[i]?.fail(errors[Math.min(i, errors.length - 1)] as SessionError);
    }
    return outcome;
  };

  test("a write that any attempt may have applied has an unknown outcome", async () => {
    const errors = [new SessionError("timeout", true, "no answer"), new SessionError("unavailable", false, "too few")];
    await expect(failing(errors)).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    await expect(failing(errors.slice(0, 1))).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  });

  test("a write that no attempt has applied says so", async () => {
    const errors = [new SessionError("unavailable", false, "too few")];
    await expect(failing(errors)).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
  });
});

describe("at its deadline", () => {
  /** A partition whose batches are answered only when a test says so, as are the hands of the clock. */
  const hanging = (given: Partial<GroupCommitOptions> = {}) => {
    const host = new ManualRuntime();
    const { batches, write, inFlight } = setUp({ deadline: 1_000, attemptTimeout: 5_000, ...given }, host);
    const outcomes: Record<string, unknown> = {};
    const put = (id: string, signal?: AbortSignal) =>
      write(save(id), signal).then(
        () => (outcomes[id] = "saved"),
        ({ code, outcome }) => (outcomes[id] = `${code}, ${outcome}`),
      );
    return { host, batches, put, inFlight, outcomes };
  };
  const unavailable = new SessionError("unavailable", false, "too few replicas");

  test("a write is answered though its attempt hangs, which may be applied", async () => {
    const { host, put, outcomes } = hanging();
    put("a");
    await host.pass(999);
    expect(outcomes).toEqual({});
    await host.pass(1);
    await host.pass(0);
    expect(outcomes).toEqual({ a: "TIMEOUT, unknown" });
  });

  test("a write is answered though the batch before it hangs; it was not sent, and won't be", async () => {
    const { host, batches, put, outcomes } = hanging();
    put("a");
    await host.pass(0);
    put("b");
    await host.pass(1_001);
    expect(outcomes).toEqual({ a: "TIMEOUT, unknown", b: "TIMEOUT, not-applied" });
    batches[0]?.answer();
    await host.pass(5_000);
    expect(batches).toHaveLength(1);
  });

  test("a write is answered though a later one of its batch has time left", async () => {
    const { host, batches, put, outcomes } = hanging();
    put("first");
    await host.pass(0);
    put("a");
    await host.pass(500);
    put("b");
    batches[0]?.answer();
    await host.pass(501);
    expect(batches.map(idsOf)).toEqual([["first"], ["a", "b"]]);
    expect(outcomes).toEqual({ first: "saved", a: "TIMEOUT, unknown" });
    await host.pass(500);
    expect(outcomes).toMatchObject({ b: "TIMEOUT, unknown" });
  });

  test("a write is answered that came when all before it had been given up, and their attempt hangs still", async () => {
    const { host, put, outcomes } = hanging();
    put("a");
    await host.pass(1_001);
    put("b");
    await host.pass(1_001);
    expect(outcomes).toEqual({ a: "TIMEOUT, unknown", b: "TIMEOUT, not-applied" });
  });

  test("a write is answered by what its last attempt said, if no other is under way", async () => {
    const { host, batches, put, outcomes } = hanging();
    put("a");
    await host.pass(990);
    batches[0]?.fail(unavailable);
    await host.pass(11);
    expect(outcomes).toEqual({ a: "UNAVAILABLE, not-applied" });
    expect(batches).toHaveLength(1);
  });

  test("a write whose later attempt hangs may be applied, though an earlier one was not", async () => {
    const { host, batches, put, outcomes } = hanging();
    put("a");
    await host.pass(10);
    batches[0]?.fail(unavailable);
    await host.pass(991);
    expect(batches).toHaveLength(2);
    expect(outcomes).toEqual({ a: "UNAVAILABLE, unknown" });
  });

  test.each([
    ["is acknowledged", (batch: Batch | undefined) => batch?.answer()],
    ["fails", (batch: Batch | undefined) => batch?.fail(unavailable)],
  ])("a write has had its answer: that its attempt %s later changes nothing, and others go on", async (_, end) => {
    const { host, batches, put, outcomes } = hanging();
    put("a");
    await host.pass(1_001);
    put("b");
    end(batches[0]);
    await host.pass(100);
    expect(batches.map(idsOf)).toEqual([["a"], ["b"]]);
    batches[1]?.answer();
    await host.pass(0);
    expect(outcomes).toEqual({ a: "TIMEOUT, unknown", b: "saved" });
  });

  test("very many writes are answered, and no timer is left", async () => {
    const { host, batches, put, inFlight, outcomes } = hanging({ maxOperations: 2 });
    const count = 1_000;
    const aborting = new AbortController();
    for (let i = 0; i < count; i++) put(`${i}`, aborting.signal);
    await host.pass(1_001);
    expect(Object.keys(outcomes)).toHaveLength(count);
    expect(host.timers).toBe(0);
    batches[0]?.answer();
    await inFlight.ended();
    expect(batches).toHaveLength(1);
  });

  test("no timer is left where all was acknowledged", async () => {
    const { host, batches, put, inFlight } = hanging();
    put("a");
    await host.pass(1);
    batches[0]?.answer();
    await inFlight.ended();
    expect(host.timers).toBe(0);
  });
});

describe("an abort", () => {
  test("before a write is sent takes it back", async () => {
    const { batches, write } = setUp();
    const aborting = new AbortController();
    write(save("a"));
    await next(batches, 0);
    const outcome = write(save("b"), aborting.signal);
    write(save("c"));
    aborting.abort();
    await expect(outcome).rejects.toMatchObject({ code: "ABORTED", outcome: "not-applied" });
    batches[0]?.answer();
    expect(idsOf(await next(batches, 1))).toEqual(["c"]);
  });

  test("while a write is under way says that it may be applied", async () => {
    const { batches, write } = setUp();
    const aborting = new AbortController();
    const outcome = write(save("a"), aborting.signal);
    await next(batches, 0);
    aborting.abort();
    await expect(outcome).rejects.toMatchObject({ code: "ABORTED", outcome: "unknown" });
  });
});
