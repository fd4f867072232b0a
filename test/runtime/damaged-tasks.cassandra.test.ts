import { types } from "cassandra-driver";
import { DataInterface, moveTasks, OpaqueTask, recover, type Task } from "taskledger";
import { CassandraAdapter } from "taskledger/cassandra";
import { MemoryAdapter } from "taskledger/memory";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { describeDamagedTasks } from "./damaged-tasks.js";
import { idsOf } from "./stores.js";

const client = rawClient();
const keyspace = newKeyspace("damaged");
beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication }));
afterAll(() => shutDown(client));

describeDamagedTasks("Cassandra", async () => {
  for (const table of ["tasks", "open_tasks"]) await client.execute(`TRUNCATE ${keyspace}.${table}`);
  const adapter = new CassandraAdapter({ ...driverOptions, keyspace });
  return { adapter, damage };
});

/** A later version: of two bodies of one version, Cassandra keeps the larger. */
async function damage(taskList: string, id: string, body: Uint8Array): Promise<void> {
  const read = `SELECT shard, writetime(body) AS version FROM ${keyspace}.tasks WHERE task_list = ? AND id = ? ALLOW FILTERING`;
  const row = (await client.execute(read, [taskList, id], { prepare: true })).first();
  const version = row.version.add(1);
  const entry = `INSERT INTO ${keyspace}.open_tasks (task_list, shard, saved_at, id) VALUES (?, ?, ?, ?)`;
  await client.execute(entry, [taskList, row.shard, version, id], { prepare: true });
  const write = `UPDATE ${keyspace}.tasks USING TIMESTAMP ${version} SET body = ? WHERE task_list = ? AND shard = ? AND id = ?`;
  await client.execute(write, [Buffer.from(body), taskList, row.shard, id], { prepare: true });
}

describe("a row in Cassandra that no client can have written", () => {
  const long = "x".repeat(600);
  /** Of a client that wrote nanoseconds: of the year 58,000. */
  const nanoseconds = 1_796_142_880_201_638_000n;

  async function setUp(): Promise<DataInterface<typeof FetchFileTask>> {
    for (const table of ["tasks", "open_tasks"]) await client.execute(`TRUNCATE ${keyspace}.${table}`);
    const adapter = new CassandraAdapter({ ...driverOptions, keyspace });
    const tasks = new DataInterface({ types: [FetchFileTask], adapter });
    onTestFinished(() => tasks.close());
    await tasks.create(FetchFileTask, { taskList: "l", id: "good" });
    await write("late", nanoseconds, FetchFileTask.build({ taskList: "l", id: "late" }).toBinary());
    await write(long, BigInt(Date.now()) * 1000n, Uint8Array.of(0xff));
    return tasks;
  }

  async function write(id: string, version: bigint, body: Uint8Array): Promise<void> {
    const entry = `INSERT INTO ${keyspace}.open_tasks (task_list, shard, saved_at, id) VALUES ('l', 0, ?, ?)`;
    await client.execute(entry, [types.Long.fromString(String(version)), id], { prepare: true });
    const task = `INSERT INTO ${keyspace}.tasks (task_list, shard, id, body) VALUES ('l', 0, ?, ?) USING TIMESTAMP ${version}`;
    await client.execute(task, [id, Buffer.from(body)], { prepare: true });
  }

  test("is listed with its version, and done or given up like any other", async () => {
    const tasks = await setUp();
    const found: Record<string, bigint | undefined> = {};
    for await (const { id, envelope } of tasks.all("l")) found[id] = envelope.savedAt;
    expect(Object.keys(found).sort()).toEqual(["good", "late", long]);
    expect(found.late).toBe(nanoseconds);
    const options = { olderThan: 0, maxAttempts: 1, deadLetterList: "dead", opaque: true };
    const work = (task: Task) => {
      if (task instanceof OpaqueTask) throw task.reason;
    };
    expect(await recover(tasks, "l", work, options)).toMatchObject({ completed: 2, deadLettered: 1 });
    expect(await idsOf(tasks.all("l"))).toEqual([]);
  });

  test("is moved to another store", async () => {
    const [tasks, to] = [await setUp(), new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() })];
    expect(await moveTasks(tasks, to, "l")).toBe(3);
    expect((await idsOf(to.all("l"))).sort()).toEqual(["good", "late", long]);
  });
});
