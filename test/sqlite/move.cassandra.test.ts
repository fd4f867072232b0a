import { join } from "node:path";
import { DataInterface, moveTasks } from "taskledger";
import { CassandraAdapter } from "taskledger/cassandra";
import { SqliteAdapter } from "taskledger/sqlite";
import { afterAll, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { idsOf } from "../runtime/stores.js";
import { temporaryFolder } from "../support/folders.js";

const client = rawClient();
afterAll(() => shutDown(client));
const path = join(temporaryFolder(), "ledger.db");
const types = [FetchFileTask];

test("open tasks move from SQLite to Cassandra and back, oldest first, and are complete in each", async () => {
  const keyspace = newKeyspace("move");
  await CassandraAdapter.createSchema({ client, keyspace, replication });
  await using sqlite = new DataInterface({ types, adapter: new SqliteAdapter({ path }) });
  await using cassandra = new DataInterface({ types, adapter: new CassandraAdapter({ ...driverOptions, keyspace }) });
  const ids = Array.from({ length: 50 }, (_, i) => `${i}`);
  for (const id of ids) await sqlite.create(FetchFileTask, { taskList: "l", id, filename: `f${id}` });

  expect(await moveTasks(sqlite, cassandra, "l", { concurrency: 1 })).toBe(50);
  expect([await idsOf(sqlite.all("l")), await idsOf(cassandra.all("l"))]).toEqual([[], ids]);
  expect(await moveTasks(cassandra, sqlite, "l", { concurrency: 1 })).toBe(50);
  expect([await idsOf(sqlite.all("l")), await idsOf(cassandra.all("l"))]).toEqual([ids, []]);
  expect((await sqlite.find("l", "7"))?.data).toMatchObject({ filename: "f7" });
});
