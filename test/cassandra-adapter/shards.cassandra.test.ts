import { afterAll, expect, it } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { DataInterface, moveTasks } from "../../src/index.js";
import { newKeyspace, rawClient, replication, shutDown } from "./connection.js";

const client = rawClient();
afterAll(() => shutDown(client));

async function keyspaceWith(shards: number): Promise<DataInterface<typeof FetchFileTask>> {
  const keyspace = newKeyspace(`shards_${shards}`);
  await CassandraAdapter.createSchema({ client, keyspace, replication, shards });
  return new DataInterface({ types: [FetchFileTask], adapter: new CassandraAdapter({ client, keyspace }) });
}

it("moves a keyspace to another number of shards while it is in use, and loses no task", async () => {
  const [eight, sixtyFour] = [await keyspaceWith(8), await keyspaceWith(64)];
  const list = "resharding";
  const task = (i: number) => FetchFileTask.build({ taskList: list, id: `file${i}`, filename: `${i}` });
  await eight.saveAll(Array.from({ length: 600 }, (_, i) => task(i)));

  // What saves has switched; what completes works on both.
  const done = new Set<string>();
  const complete = async (from: DataInterface<typeof FetchFileTask>, limit: number) => {
    for await (const each of from.all(list)) {
      if (limit-- === 0) return;
      done.add(each.id);
      await each.complete();
    }
  };
  const stopped = new AbortController();
  await Promise.all([
    sixtyFour.saveAll(Array.from({ length: 200 }, (_, i) => task(600 + i))),
    complete(eight, 100),
    complete(sixtyFour, 50),
    // The mover dies part of the way.
    moveTasks(eight, sixtyFour, list, { signal: stopped.signal }).catch(() => undefined),
    new Promise<void>((resolve) => setTimeout(() => resolve(stopped.abort()), 50)),
  ]);
  await moveTasks(eight, sixtyFour, list);

  for await (const left of eight.all(list)) expect.fail(`${left.id} is still in the old keyspace`);
  await complete(sixtyFour, Number.POSITIVE_INFINITY);
  expect(done.size).toBe(800);
  for await (const left of sixtyFour.all(list)) expect.fail(`${left.id} was completed and is still open`);
  await Promise.all([eight.close(), sixtyFour.close()]);
});
