// Measures how each language lists: tsx test/languages/measure.ts. On a node with a heap of 768 MB, 10,000 small tasks, 320 of
// 1 MB, and 100 in 64 shards.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { DataInterface } from "../../src/index.js";
import { type DriverCassandra, spawnDriver } from "./driver.js";
import { startOwnNode } from "./own-node.js";
import { prepareLanguages } from "./prepare.js";

interface Load {
  readonly name: string;
  readonly shards: number;
  readonly count: number;
  readonly bytes: number;
}

const loads: readonly Load[] = [
  { name: "10,000 tasks", shards: 2, count: 10_000, bytes: 100 },
  { name: "320 tasks of 1 MB", shards: 2, count: 320, bytes: 1_000_000 },
  { name: "100 tasks in 64 shards", shards: 64, count: 100, bytes: 100 },
];

const prepared = await prepareLanguages();
const node = await startOwnNode("127.0.0.42");
const { client } = node;
try {
  console.log("| | language | first task | all | memory at most |\n|---|---|---|---|---|");
  for (const [i, load] of loads.entries()) {
    const keyspace = `measure_${i}`;
    await CassandraAdapter.createSchema({
      client,
      keyspace,
      shards: load.shards,
      replication: { class: "SimpleStrategy", replication_factor: 1 },
    });
    await save(keyspace, load);
    for (const { language, missing } of prepared) {
      if (missing !== undefined) continue;
      const { first, total, memory, count } = await measure(language, node.store(keyspace));
      if (count !== load.count) throw new Error(`${language.name} listed ${count} tasks of ${load.count}`);
      console.log(`| ${load.name} | ${language.name} | ${first} ms | ${total} ms | ${memory} MB |`);
    }
  }
} finally {
  await node.stop();
}

async function save(keyspace: string, { count, bytes }: Load): Promise<void> {
  await using tasks = new DataInterface({
    types: [FetchFileTask],
    adapter: new CassandraAdapter({ client, keyspace }),
  });
  const filename = "x".repeat(bytes);
  const source = (function* () {
    for (let i = 0; i < count; i++) yield FetchFileTask.build({ taskList: "list", id: `${i}`, filename });
  })();
  await tasks.saveAll(source, { concurrency: 16 });
}

/** In milliseconds and MB, by a process of its own. */
async function measure(language: (typeof prepared)[number]["language"], store: DriverCassandra) {
  const driver = spawnDriver(language, "measure", JSON.stringify(store), "list");
  const ended = once(driver, "exit");
  const [line] = (await once(createInterface(driver.stdout), "line")) as [string];
  const { first, total, count } = JSON.parse(line);
  const status = await readFile(`/proc/${driver.pid}/status`, "utf8");
  driver.stdin.end();
  await ended;
  const memory = Math.round(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024);
  return { first: Math.round(first), total: Math.round(total), count, memory };
}
