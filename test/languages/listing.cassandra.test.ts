import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { shardOf } from "../../src/adapters/cassandra/model/partition.js";
import { DataInterface } from "../../src/index.js";
import { rawClient, replication } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { DriverActor, driverCassandra } from "./driver.js";
import { prepareLanguages } from "./prepare.js";
import { newTask } from "./stage.js";

const COUNT = 1100;
const keyspace = "languages_listing";
const taskList = randomUUID();
const prepared = await prepareLanguages();
const client = rawClient();
const tasks = new DataInterface({ types: [FetchFileTask], adapter: new CassandraAdapter({ client, keyspace }) });

/** More tasks in one partition than any client reads at once; every tenth is completed, and every seventh saved again. */
beforeAll(async () => {
  await CassandraAdapter.createSchema({ client, keyspace, replication, shards: 1 });
  const built = Array.from({ length: COUNT }, (_, i) => FetchFileTask.build({ taskList, id: `${i}` }));
  await tasks.saveAll(built);
  await tasks.completeAll(built.filter((_, i) => i % 10 === 0));
  await tasks.saveAll(built.filter((_, i) => i % 7 === 0 && i % 10 !== 0));
});

afterAll(async () => {
  await tasks.close();
  await client.shutdown();
});

async function listed(): Promise<string[]> {
  const found: string[] = [];
  for await (const task of tasks.all(taskList)) found.push(Buffer.from(task.toBinary()).toString("base64"));
  return found;
}

/** When a list was noted, in the bucket that TypeScript puts it into, and the timestamp of that. */
async function noteOf(taskList: string): Promise<string[]> {
  const query = `SELECT noted_at, WRITETIME(noted_at) AS written FROM ${keyspace}.lists WHERE bucket = ? AND task_list = ?`;
  const { rows } = await client.execute(query, [shardOf(taskList, 16), taskList], { prepare: true });
  return rows.flatMap(({ noted_at, written }) => [String(noted_at), String(written)]);
}

describe.each(prepared)("a list of many pages in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);

  test("is the same as in TypeScript, and in the same order", async () => {
    const actor = new DriverActor(language, driverCassandra(cassandra, keyspace));
    await actor.open();
    const now = BigInt(Date.now()) * 1000n;
    const found = await actor.list({ taskList, now, serverNow: now });
    expect(found).toHaveLength((COUNT * 9) / 10);
    expect(found).toEqual(await listed());
    await actor.close();
  });
});

describe.each(prepared)("the lists that $language.name saves to", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);

  test("are known to TypeScript", async () => {
    const actor = new DriverActor(language, driverCassandra(cassandra, keyspace));
    await actor.open();
    const now = BigInt(Date.now()) * 1000n;
    const own = ["orders", "zażółć", "任务", "😀"].map((name) => `${name} ${randomUUID()}`);
    for (const taskList of own) {
      const { error } = await actor.save(
        { envelope: newTask(taskList), replaced: [] },
        { taskList, now, serverNow: now },
      );
      expect(error).toBeNull();
      expect(await noteOf(taskList)).toEqual([String(now), String(now)]);
    }
    const names: string[] = [];
    for await (const name of tasks.lists()) names.push(name);
    expect(names).toEqual(expect.arrayContaining(own));
    await actor.close();
  });
});
