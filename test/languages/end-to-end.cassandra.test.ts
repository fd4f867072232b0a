import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { afterAll, expect, test } from "vitest";
import { EveryKindTask } from "../../gen/example/v1/every_kind_task.js";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { DataInterface, type Task, toBatch } from "../../src/index.js";
import { rawClient, replication } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { driverCassandra, spawnDriver } from "./driver.js";
import type { Language } from "./languages.js";
import { prepareLanguages } from "./prepare.js";

const COUNT = 1000;
const AT_ONCE = 4;
const SHARDS = 8;
const keyspace = "languages_end_to_end";
const taskList = randomUUID();
const prepared = await prepareLanguages();
const present = prepared.filter(({ missing }) => missing === undefined).map(({ language }) => language);
const config = JSON.stringify(driverCassandra(cassandra, keyspace));
const client = rawClient();
afterAll(() => client.shutdown());

const toFrame = (message: Uint8Array) => new BinaryWriter().bytes(message).finish();

/** A third of each type, in one list. */
function build(i: number): Task {
  const id = `task ${i}`;
  if (i % 3 === 0) return FetchFileTask.build({ taskList, id, filename: `${i}.txt`, size: BigInt(i) });
  if (i % 3 === 1) return SendMailTask.build({ mailbox: taskList, messageId: id, recipients: [`${i}@example.com`] });
  return EveryKindTask.build({ taskList, id, text: "😀", int64: BigInt(i), textByText: { i: `${i}` } });
}

/**
 * Hands tasks to a worker as frames, and kills it once it has done half of them; gives the ids of those that it did. The last
 * fifth never reaches it.
 */
async function workAndDie(language: Language, tasks: readonly Task[]): Promise<Set<string>> {
  const worker = spawnDriver(language, "work", config);
  const ended = once(worker, "exit");
  worker.stdin.on("error", () => undefined);
  for (const frame of framesOf(tasks.slice(0, Math.floor(tasks.length * 0.8)))) worker.stdin.write(frame);
  const done = new Set<string>();
  let most = 0;
  for await (const line of createInterface(worker.stdout)) {
    const { id, atOnce } = JSON.parse(line);
    done.add(id);
    most = Math.max(most, atOnce);
    if (done.size === Math.floor(tasks.length / 2)) worker.kill("SIGKILL");
  }
  expect(await ended).toEqual([null, "SIGKILL"]);
  expect(most).toBe(AT_ONCE);
  return done;
}

/** By turns a task alone, and several in a batch. */
function* framesOf(tasks: readonly Task[]): Generator<Uint8Array> {
  for (let i = 0; i < tasks.length; i += 8) {
    const [alone, ...others] = tasks.slice(i, i + 8) as [Task, ...Task[]];
    yield toFrame(alone.toBinary());
    if (others.length > 0) yield toFrame(toBatch(others));
  }
}

async function listIn(language: Language): Promise<string[]> {
  const lister = spawnDriver(language, "list", config, taskList);
  const found: string[] = [];
  for await (const line of createInterface(lister.stdout)) found.push(JSON.parse(line).id);
  return found;
}

async function rowsLeft(): Promise<number> {
  let count = 0;
  for (const table of ["tasks", "open_tasks"])
    for (let shard = 0; shard < SHARDS; shard++) {
      const query = `SELECT id FROM "${keyspace}".${table} WHERE task_list = ? AND shard = ?`;
      count += (await client.execute(query, [taskList, shard], { prepare: true })).rows.length;
    }
  return count;
}

for (const { language, missing } of prepared)
  if (missing !== undefined) test.skip(`${language.name} is left out: ${missing}`);

test.skipIf(present.length === 0)(
  "workers in every language do their share and die; what they left is listed in another language, and recovered here",
  { timeout: 180_000 },
  async () => {
    await CassandraAdapter.createSchema({ client, keyspace, replication, shards: SHARDS });
    const adapter = new CassandraAdapter({ client, keyspace });
    await using tasks = new DataInterface({ types: [FetchFileTask, SendMailTask, EveryKindTask], adapter });
    const built = Array.from({ length: COUNT }, (_, i) => build(i));
    expect(await tasks.saveAll(built)).toBe(COUNT);

    const shares = present.map((_, k) => built.filter((_, i) => i % present.length === k));
    const done = await Promise.all(present.map((language, k) => workAndDie(language, shares[k] as Task[])));

    // Each killed worker ran four handlers at once, and may or may not have completed what they did last.
    const lister = present.find(({ name }) => name === "Go") ?? (present[0] as Language);
    const open = await listIn(lister);
    const doneByAny = new Set(done.flatMap((ids) => [...ids]));
    const undone = built.map(({ id }) => id).filter((id) => !doneByAny.has(id));
    expect(open).toEqual(expect.arrayContaining(undone));
    expect(open.length).toBeLessThanOrEqual(undone.length + AT_ONCE * present.length);
    const order = new Map(built.map(({ id }, i) => [id, i]));
    expect(open).toEqual([...open].sort((a, b) => (order.get(a) as number) - (order.get(b) as number)));

    const recovered: string[] = [];
    for await (const task of tasks.all(taskList)) {
      recovered.push(task.id);
      await task.complete();
    }
    expect(recovered).toEqual(open);
    expect(new Set([...doneByAny, ...recovered]).size).toBe(COUNT);
    expect(await listIn(lister)).toEqual([]);
    expect(await rowsLeft()).toBe(0);
    const counts = present.map(({ name }, k) => `${done[k]?.size} in ${name}`).join(", ");
    console.info(
      `Done ${counts}; open by ${lister.name}'s list ${open.length}; recovered ${recovered.length} in TypeScript.`,
    );
  },
);
