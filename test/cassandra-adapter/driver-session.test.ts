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
    { kind: "put-task", id, savedAt, type: "example.v1.FetchFile", envelope: new Uint8Array(3) },
    { kind: "put-entry", id, savedAt, size: 3 },
  ];
  const complete = (id: string, at: bigint): Mutation[] => [
    { kind: "delete-task", id, at },
    { kind: "delete-entry", savedAt: at, id, at },
  ];
  /** What a session asks the driver for. */
  const sent = async (...mutations: Mutation[][]) => {
    const asked: unknown[][] = [];
    const note = async (...args: unknown[]) => void asked.push(args);
    const client = { batch: note, execute: note } as unknown as Client;
    const session = new DriverSession(client, driver, "tasks", driver.types.consistencies.localQuorum);
    await session.apply({ taskList: "datto.com", shard: 2 }, mutations.flat(), 1_000);
    return asked[0] as [unknown, unknown[], { routingKey: Buffer[]; keyspace: string }];
  };
  const count = (text: string, part: string) => text.split(part).length - 1;

  test("of saves and completes is one prepared statement, the saves first, which goes to a replica", async () => {
    const [text, parameters, options] = await sent(complete("c", 1n), save("a", 2n), save("b", 3n));
    expect(text).toMatch(/^BEGIN BATCH INSERT .*; INSERT .*; INSERT .*; INSERT .*; DELETE .*; DELETE .*; APPLY BATCH$/);
    expect(parameters).toHaveLength(count(text as string, "?"));
    expect([parameters[2], parameters[15], parameters[29]].map(String)).toEqual(["a", "b", "c"]);
    expect(options).toMatchObject({
      keyspace: "tasks",
      routingKey: [Buffer.from("datto.com"), Buffer.from([0, 0, 0, 2])],
    });
  });

  test("of a shape that is not kept prepared, or with anything else in it, names a statement for each row", async () => {
    const [queries] = await sent(save("a", 1n), save("b", 2n), save("c", 3n));
    expect(queries).toHaveLength(6);
    const [others] = await sent(save("a", 1n), [mutation]);
    expect(others).toHaveLength(3);
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
