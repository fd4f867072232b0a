import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll } from "vitest";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { describeDamagedTasks } from "./damaged-tasks.js";

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
