import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { DataInterface } from "../../src/index.js";
import { newKeyspace, rawClient, replication, shutDown } from "./connection.js";

/** More than a read may meet by default (`tombstone_failure_threshold`). */
const DEAD = 120_000;
const BATCH = 400;
const list = "dead";
const client = rawClient();
const keyspace = newKeyspace("dead");
let tasks: DataInterface<typeof FetchFileTask>;

/** What the completions of an hour ago left behind that nobody has swept: one tombstone each. */
async function leaveDead(from: number): Promise<void> {
  const query = `DELETE FROM ${keyspace}.open_tasks USING TIMESTAMP ? WHERE task_list = ? AND shard = 0 AND saved_at = ? AND id = ?`;
  const oneHour = 3_600_000_000n;
  const start = BigInt(Date.now()) * 1000n - oneHour;
  const deletes = Array.from({ length: BATCH }, (_, i) => {
    const savedAt = String(start + BigInt(from + i));
    return { query, params: [savedAt, list, savedAt, `dead${from + i}`] };
  });
  await client.batch(deletes, { prepare: true, logged: false });
}

beforeAll(async () => {
  await CassandraAdapter.createSchema({ client, keyspace, replication, shards: 1 });
  tasks = new DataInterface({
    types: [FetchFileTask],
    adapter: new CassandraAdapter({ client, keyspace, sweepEvery: 0 }),
  });
  for (let from = 0; from < DEAD; from += BATCH) await leaveDead(from);
  for (const id of ["a", "b"]) await tasks.create(FetchFileTask, { taskList: list, id });
});
afterAll(() => shutDown(client));

async function ids(): Promise<string[]> {
  const found: string[] = [];
  for await (const task of tasks.all(list)) found.push(task.id);
  return found;
}

describe("a list behind more completed tasks than a read may meet", () => {
  it("can't be read by a query of one's own", async () => {
    const query = `SELECT id FROM ${keyspace}.open_tasks WHERE task_list = ? AND shard = 0 LIMIT 10`;
    await expect(client.execute(query, [list], { prepare: true })).rejects.toThrow(/failed/i);
  });

  it("is read though no single read could get through", async () => {
    expect(await ids()).toEqual(["a", "b"]);
  });

  it("is read in few reads once it has been swept", async () => {
    const report = await (tasks.adapter as CassandraAdapter).sweep(list);
    expect(report).toMatchObject({ partitions: 1 });
    expect(await ids()).toEqual(["a", "b"]);
    const query = `SELECT id FROM ${keyspace}.open_tasks WHERE task_list = ? AND shard = 0 LIMIT 10`;
    const { rows } = await client.execute(query, [list], { prepare: true });
    expect(rows.map(({ id }) => id)).toEqual(["a", "b"]);
  });
});
