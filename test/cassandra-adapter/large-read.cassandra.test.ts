import driver from "cassandra-driver";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, expect, test } from "vitest";
import { Caller } from "../../src/adapters/cassandra/driver/caller.js";
import { DriverSession } from "../../src/adapters/cassandra/driver/session.js";
import { newKeyspace, rawClient, replication, shutDown } from "./connection.js";

const client = rawClient();
afterAll(() => shutDown(client));

test("a read gives all rows, though they are more than the driver takes as a page by default", async () => {
  const keyspace = newKeyspace("large_read");
  await CassandraAdapter.createSchema({ client, keyspace, replication });
  const consistency = driver.types.consistencies.localQuorum;
  const session = new DriverSession(new Caller({ client, driver, keyspace, consistency }));
  const partition = { taskList: "list", shard: 0 };
  const ids = Array.from({ length: 6_000 }, (_, i) => String(i));
  for (let from = 0; from < ids.length; from += 500) {
    const some = ids.slice(from, from + 500);
    const put = (id: string) => [
      { kind: "put-task" as const, id, savedAt: 1n, body: new Uint8Array(1) },
      { kind: "put-entry" as const, id, savedAt: 1n, size: 1 },
    ];
    await session.apply(partition, some.flatMap(put), 30_000);
  }
  expect(await session.readTasks(partition, ids, 30_000)).toHaveLength(6_000);
  const all = { after: { savedAt: 0n, id: "" }, upTo: 1n, limit: 10_000 };
  expect((await session.readEntries(partition, all, 30_000)).entries).toHaveLength(6_000);
});
