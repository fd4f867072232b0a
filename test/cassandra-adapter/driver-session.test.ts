import { setTimeout as sleep } from "node:timers/promises";
import driver, { type Client } from "cassandra-driver";
import { describe, expect, test } from "vitest";
import { DriverSession } from "../../src/adapters/cassandra/driver-session.js";
import type { Mutation } from "../../src/adapters/cassandra/session.js";

const { speculativeExecution } = driver.policies;
const DELAY = 40;
const speculating = new speculativeExecution.ConstantSpeculativeExecutionPolicy(DELAY, 1);
const mutation = { kind: "delete-task", id: "file1", at: 1n } as const;

/** A session whose coordinator says, after a time, that it finds too few replicas. */
function sessionOn(policy: unknown, answersAfter: number): DriverSession {
  const client = {
    options: { policies: { speculativeExecution: policy } },
    async batch() {
      await sleep(answersAfter);
      throw new driver.errors.ResponseError(driver.types.responseErrorCodes.unavailableException, "too few replicas");
    },
  };
  return new DriverSession(client as unknown as Client, driver, "tasks", driver.types.consistencies.localQuorum);
}

function write(session: DriverSession): Promise<void> {
  return session.apply({ taskList: "datto.com", shard: 0 }, [mutation], 1_000);
}

describe("a write that a coordinator refuses for want of replicas", () => {
  test("has not been applied", async () => {
    const policy = new speculativeExecution.NoSpeculativeExecutionPolicy();
    await expect(write(sessionOn(policy, 0))).rejects.toMatchObject({ kind: "unavailable", mayApply: false });
    await expect(write(sessionOn(speculating, 0))).rejects.toMatchObject({ kind: "unavailable", mayApply: false });
  });

  test("may be applied where another coordinator was asked before, and hangs", async () => {
    await expect(write(sessionOn(speculating, DELAY + 5))).rejects.toMatchObject({ mayApply: true });
  });

  test("may be applied where a policy that the adapter does not know asks others whenever it likes", async () => {
    const policy = { newPlan: () => ({ nextExecution: () => 0 }) };
    await expect(write(sessionOn(policy, 0))).rejects.toMatchObject({ mayApply: true });
  });
});

describe("a batch", () => {
  const save = (id: string, savedAt: bigint): Mutation[] => [
    { kind: "put-task", id, savedAt, body: new Uint8Array(3) },
    { kind: "put-entry", id, savedAt, size: 3 },
  ];
  const complete = (id: string, at: bigint): Mutation[] => [
    { kind: "delete-task", id, at },
    { kind: "delete-entry", savedAt: at, id, at },
  ];
  type Asked = [what: string | { query: string }[], parameters: unknown[], options: { routingKey?: unknown }];
  /** A session, and what it asks the driver for. */
  const setUp = (execute: () => Promise<unknown> = async () => undefined) => {
    const asked: Asked[] = [];
    const client = {
      batch: async (...args: Asked) => void asked.push(args),
      execute(...args: Asked) {
        asked.push(args);
        return execute();
      },
    } as unknown as Client;
    const session = new DriverSession(client, driver, "tasks", driver.types.consistencies.localQuorum);
    const apply = async (...mutations: Mutation[][]) => {
      await session.apply({ taskList: "datto.com", shard: 2 }, mutations.flat(), 1_000);
      await sleep(0); // for what it does unasked
    };
    const texts = () => asked.map(([what]) => (typeof what === "string" ? what : `${what.length} queries`));
    return { apply, asked, texts };
  };
  const prepared = (saves: number, completes: number) =>
    new RegExp(`^BEGIN BATCH (INSERT [^;]*; ){${2 * saves}}(DELETE [^;]*; ){${2 * completes}}APPLY BATCH$`);

  test("of saves and completes is one prepared statement, the saves first, which goes to a replica", async () => {
    const { apply, asked } = setUp();
    const batch = [complete("c", 1n), save("a", 2n), save("b", 3n)];
    await apply(...batch);
    await apply(...batch);
    const [text, parameters, options] = asked.at(-1) as Asked;
    expect(text).toMatch(prepared(2, 1));
    expect(parameters).toHaveLength(String(text).split("?").length - 1);
    expect([parameters[2], parameters[13], parameters[25]].map(String)).toEqual(["a", "b", "c"]);
    expect(options).toMatchObject({
      keyspace: "tasks",
      routingKey: Buffer.from([0, 9, ...Buffer.from("datto.com"), 0, 0, 4, 0, 0, 0, 2, 0]), // as there is no metadata
    });
  });

  test("names a statement for each row until its shape is prepared, which nobody waits for", async () => {
    let prepare = () => {};
    const { apply, texts } = setUp(() => new Promise<void>((resolve) => (prepare = resolve)));
    await apply(save("a", 1n));
    await apply(save("b", 2n));
    expect(texts()).toEqual(["2 queries", expect.stringMatching(prepared(1, 0)), "2 queries"]);
    prepare();
    await sleep(0);
    apply(save("c", 3n));
    expect(texts().slice(3)).toEqual([expect.stringMatching(prepared(1, 0))]);
  });

  const failing = {
    rejects: () => Promise.reject(new Error("a node hangs")),
    throws: () => {
      throw new Error("a client of the user's");
    },
  };

  test.each(["rejects", "throws"] as const)("goes on naming them where preparing %s, and tries again", async (way) => {
    const { apply, texts } = setUp(failing[way]);
    for (const id of ["a", "b"]) await apply(save(id, 1n));
    const one = expect.stringMatching(prepared(1, 0));
    expect(texts()).toEqual(["2 queries", one, "2 queries", one]);
  });

  test("of a shape that is not to be prepared, or with anything else in it, names a statement for each row", async () => {
    const { apply, texts } = setUp();
    await apply(save("a", 1n), save("b", 2n), save("c", 3n));
    await apply(save("a", 1n), [mutation]);
    expect(texts()).toEqual(["6 queries", "3 queries"]);
  });
});

describe("an attempt that the driver does not bound, since it is no request yet", () => {
  const silent = { batch: () => new Promise(() => {}), execute: () => new Promise(() => {}) } as unknown as Client;
  const { localQuorum } = driver.types.consistencies;
  const session = new DriverSession(silent, driver, "tasks", localQuorum);

  test("ends a little after its time; a write may be applied later", async () => {
    await expect(session.apply({ taskList: "l", shard: 0 }, [mutation], 1)).rejects.toMatchObject({
      kind: "timeout",
      mayApply: true,
    });
    await expect(session.readTasks({ taskList: "l", shard: 0 }, ["a"], 1)).rejects.toMatchObject({ kind: "timeout" });
  });
});

describe("a read that the server cuts into pages", () => {
  test("has its time for all of them", async () => {
    const timeouts: number[] = [];
    const client = {
      async execute(_query: string, _params: unknown, { readTimeout }: { readTimeout: number }) {
        timeouts.push(readTimeout);
        await sleep(30);
        return { rows: [], info: {}, pageState: timeouts.length < 3 ? "more" : undefined };
      },
    } as unknown as Client;
    const session = new DriverSession(client, driver, "tasks", driver.types.consistencies.localQuorum);
    await session.readTasks({ taskList: "l", shard: 0 }, ["a", "b"], 1_000);
    expect(timeouts[0]).toBe(1_000);
    expect(timeouts[2]).toBeLessThanOrEqual(945);
  });
});

describe("a read that replicas fail", () => {
  const failing = (reasons?: object) => {
    const error = Object.assign(
      new driver.errors.ResponseError(driver.types.responseErrorCodes.readFailure, "failed"),
      reasons && { reasons },
    );
    const client = { execute: () => Promise.reject(error) } as unknown as Client;
    return new DriverSession(client, driver, "tasks", driver.types.consistencies.localQuorum);
  };
  const partition = { taskList: "l", shard: 0 };
  const readEntries = (session: DriverSession) =>
    session.readEntries(partition, { after: { savedAt: 0n, id: "" }, upTo: 1n, limit: 1 }, 1_000);

  test("may have met too many tombstones where it read a range, and nothing says otherwise", async () => {
    await expect(readEntries(failing())).rejects.toMatchObject({ kind: "tombstones" });
    await expect(readEntries(failing({ "127.0.0.1": 1 }))).rejects.toMatchObject({ kind: "tombstones" });
    await expect(readEntries(failing({ "127.0.0.1": 0 }))).rejects.toMatchObject({ kind: "failure" });
  });

  test("has not where it read one row", async () => {
    await expect(failing().readTasks(partition, ["a"], 1_000)).rejects.toMatchObject({ kind: "failure" });
  });
});
