import { setTimeout as sleep } from "node:timers/promises";
import driver, { type Client } from "cassandra-driver";
import { describe, expect, test } from "vitest";
import { Caller } from "../../src/adapters/cassandra/driver/caller.js";
import { DriverSession } from "../../src/adapters/cassandra/driver/session.js";
import type { Mutation } from "../../src/adapters/cassandra/model/session.js";

const { speculativeExecution } = driver.policies;
const DELAY = 40;
const speculating = new speculativeExecution.ConstantSpeculativeExecutionPolicy(DELAY, 1);
const mutation = { kind: "delete-task", id: "file1", at: 1n } as const;

function sessionBy(client: Client): DriverSession {
  const consistency = driver.types.consistencies.localQuorum;
  return new DriverSession(new Caller({ client, driver, keyspace: "tasks", consistency }));
}

/** A session whose coordinator says, after a time, that it finds too few replicas. */
function sessionOn(policy: unknown, answersAfter: number): DriverSession {
  const client = {
    options: { policies: { speculativeExecution: policy } },
    async batch() {
      await sleep(answersAfter);
      throw new driver.errors.ResponseError(driver.types.responseErrorCodes.unavailableException, "too few replicas");
    },
  };
  return sessionBy(client as unknown as Client);
}

function write(session: DriverSession): Promise<void> {
  return session.apply({ taskList: "acme.com", shard: 0 }, [mutation], 1_000);
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

test("a batch has a statement for each row, with the row's own timestamp, and is one mutation of the ledger", async () => {
  const asked: unknown[][] = [];
  const client = { batch: async (...args: unknown[]) => void asked.push(args) } as unknown as Client;
  const session = sessionBy(client);
  const mutations: Mutation[] = [
    { kind: "put-task", id: "a", savedAt: 2n, body: new Uint8Array([7]) },
    { kind: "put-entry", id: "a", savedAt: 2n, size: 1 },
    { kind: "delete-task", id: "b", at: 1n },
  ];
  await session.apply({ taskList: "acme.com", shard: 2 }, mutations, 1_000);
  const [[queries, options]] = asked as [[{ query: string; params: unknown[] }[], object]];
  const [one, two] = [1n, 2n].map((version) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(version);
    return bytes;
  });
  expect(queries.map(({ query }) => query.split("(")[0]?.trim())).toEqual([
    'INSERT INTO "tasks".tasks',
    'INSERT INTO "tasks".open_tasks',
    'DELETE FROM "tasks".tasks USING TIMESTAMP ? WHERE task_list = ? AND shard = ? AND id = ?',
  ]);
  expect(queries.map(({ params }) => params)).toEqual([
    ["acme.com", 2, "a", Buffer.from([7]), two],
    ["acme.com", 2, two, "a", 1, two],
    [one, "acme.com", 2, "b"],
  ]);
  expect(options).toMatchObject({ logged: true, prepare: true, isIdempotent: true });
});

describe("an attempt that the driver does not bound, since it is no request yet", () => {
  const silent = { batch: () => new Promise(() => {}), execute: () => new Promise(() => {}) } as unknown as Client;
  const session = sessionBy(silent);

  test("ends a little after its time; a write may be applied later", async () => {
    await expect(session.apply({ taskList: "l", shard: 0 }, [mutation], 1)).rejects.toMatchObject({
      kind: "timeout",
      mayApply: true,
    });
    await expect(session.readTasks({ taskList: "l", shard: 0 }, ["a"], 1)).rejects.toMatchObject({ kind: "timeout" });
  });
});

test("a read asks for all of its rows at once: the server must not cut them into pages", async () => {
  const asked: object[] = [];
  const client = {
    async execute(_query: string, _params: unknown, options: object) {
      asked.push(options);
      return { rows: [], info: {} };
    },
  } as unknown as Client;
  await sessionBy(client).readTasks({ taskList: "l", shard: 0 }, ["a", "b"], 1_000);
  expect(asked).toEqual([expect.objectContaining({ fetchSize: 0, readTimeout: 1_000 })]);
});

describe("a read that replicas fail", () => {
  const failing = (reasons?: object) => {
    const error = Object.assign(
      new driver.errors.ResponseError(driver.types.responseErrorCodes.readFailure, "failed"),
      reasons && { reasons },
    );
    const client = { execute: () => Promise.reject(error) } as unknown as Client;
    return sessionBy(client);
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
