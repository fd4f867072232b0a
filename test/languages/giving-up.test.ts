import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import type { Adapter } from "../../src/adapter/index.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import { DataInterface, perform, type Task } from "../../src/index.js";
import { rawClient, replication } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { DriverActor, type DriverStore, driverCassandra } from "./driver.js";
import { prepareLanguages } from "./prepare.js";

// A worker in TypeScript and one in another language give up the tasks of one list by the same rules.

const prepared = await prepareLanguages();

interface Attempt {
  readonly task: Task;
  readonly maxAttempts: number;
  readonly deadLetterList?: string;
}

/** Tries a task in vain, and gives what came of it, and how often it has been claimed by then. */
type TryInVain = (attempt: Attempt) => Promise<readonly [result: string, attempts: number]>;

/** A store that both workers open. */
interface SharedStore {
  readonly adapter: Adapter;
  readonly there: DriverStore;
  remove(): Promise<unknown>;
}

async function sqliteFile(): Promise<SharedStore> {
  const folder = await mkdtemp(join(tmpdir(), "taskledger-giving-up-"));
  const path = join(folder, "ledger.db");
  return { adapter: new SqliteAdapter({ path }), there: { path }, remove: () => rm(folder, { recursive: true }) };
}

async function keyspaceOf(languageName: string): Promise<SharedStore> {
  const client = rawClient();
  const keyspace = `languages_giving_up_${languageName.toLowerCase()}`;
  await CassandraAdapter.createSchema({ client, keyspace, replication });
  const there = driverCassandra(cassandra, keyspace);
  return { adapter: new CassandraAdapter({ client, keyspace }), there, remove: () => client.shutdown() };
}

/** The other languages' words for TypeScript's. */
const words: Readonly<Record<string, string>> = {
  exhausted: "given up",
  "dead-lettered": "given up",
  "passed-over": "passed over",
};

describe.each(prepared)("giving up in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);
  let store: SharedStore;
  let tasks: DataInterface;
  let driver: DriverActor;
  let tries: Readonly<Record<"here" | "there", TryInVain>>;

  beforeAll(async () => {
    store = language.hasSqlite ? await sqliteFile() : await keyspaceOf(language.name);
    tasks = new DataInterface({ types: [FetchFileTask], adapter: store.adapter });
    await tasks.find("acme.com", "none"); // which makes an SQLite file
    driver = new DriverActor(language, store.there);
    await driver.ask({ op: "open", store: store.there });
    const attemptsAt = async (task: Task) => (await tasks.claimState(task))?.attempt ?? 0;
    tries = {
      async here({ task, ...options }) {
        const backoff = { initial: 1, max: 1 };
        const { type } = await perform(tasks, task, () => Promise.reject(new Error("no such host")), {
          ...options,
          backoff,
        });
        return [words[type] ?? type, await attemptsAt(task)];
      },
      async there({ task, ...options }) {
        const envelope = Buffer.from(task.toBinary()).toString("base64");
        const { result } = await driver.ask<{ result: string }>({ op: "performInVain", envelope, ...options });
        return [result, await attemptsAt(task)];
      },
    };
  });
  afterAll(async () => {
    await Promise.all([tasks.close(), driver.close()]);
    await store.remove();
  });

  async function onlyTaskOf(taskList: string): Promise<Task> {
    const found: Task[] = [];
    for await (const task of tasks.all(taskList)) found.push(task);
    expect(found).toHaveLength(1);
    return found[0] as Task;
  }

  const orders = [
    ["here", "here"],
    ["there", "there"],
    ["here", "there"],
    ["there", "here"],
  ] as const;

  test.each(orders)(
    "a task that is given up without a dead-letter list is tried no more: %s, then %s",
    async (...order) => {
      const task = await tasks.create(FetchFileTask, { taskList: "acme.com" });
      const found: unknown[] = [];
      for (const maxAttempts of [2, 2, 2, 2, 3]) {
        await new Promise((resolve) => setTimeout(resolve, 5)); // its wait is over
        found.push(await tries[order[found.length % 2] as "here" | "there"]({ task, maxAttempts }));
      }
      expect(found).toEqual([
        ["failed", 1],
        ["given up", 2],
        ["passed over", 2],
        ["passed over", 2],
        ["given up", 3],
      ]);
    },
  );

  test("a dead letter is the same, wherever it was written", async () => {
    const letters: unknown[] = [];
    for (const place of ["here", "there"] as const) {
      const task = await tasks.create(FetchFileTask, { taskList: "a list/%é!*'()~", filename: "a" });
      const deadLetterList = `dead ${place}`;
      expect(await tries[place]({ task, maxAttempts: 1, deadLetterList })).toEqual(["given up", 0]);
      const letter = await onlyTaskOf(deadLetterList);
      const { createdAt, savedAt: _, headers, ...envelope } = letter.envelope;
      const { "taskledger-dead-at": at, "taskledger-dead-id": of, ...others } = headers;
      expect([createdAt, of]).toEqual([task.envelope.createdAt, task.id]);
      expect(at).toBe(new Date(at as string).toISOString());
      const name = letter.id.replace(task.id, "ID").replace(String(task.envelope.savedAt), "VERSION");
      letters.push({ name, others, data: (letter as FetchFileTask).filename, ...envelope });
    }
    expect(letters[0]).toMatchObject({ others: { "taskledger-dead-reason": "no such host" } });
    expect(letters[1]).toEqual(letters[0]);
  });

  test.each(["here", "there"] as const)(
    "a dead letter that is given up again leads back to the first original: %s",
    async (place) => {
      const task = await tasks.create(FetchFileTask, { taskList: "acme.com" });
      await tries[place]({ task, maxAttempts: 1, deadLetterList: `first ${place}` });
      const letter = await onlyTaskOf(`first ${place}`);
      await tries[place]({ task: letter, maxAttempts: 1, deadLetterList: `second ${place}` });
      const { headers } = (await onlyTaskOf(`second ${place}`)).envelope;
      expect([headers["taskledger-dead-list"], headers["taskledger-dead-id"]]).toEqual(["acme.com", task.id]);
    },
  );

  test.each(["here", "there"] as const)(
    "a task of the maximum size is given up, though its dead letter is larger: %s",
    async (place) => {
      const filename = "a".repeat(2 ** 20 - 150);
      const task = await tasks.create(FetchFileTask, { taskList: "acme.com", filename });
      const deadLetterList = `large ${place}`;
      expect(await tries[place]({ task, maxAttempts: 1, deadLetterList })).toEqual(["given up", 0]);
      expect(((await onlyTaskOf(deadLetterList)) as FetchFileTask).filename).toBe(filename);
    },
  );

  test.each(["here", "there"] as const)(
    "a task whose last attempt was interrupted is given up, and not passed over: %s",
    async (place) => {
      const task = await tasks.create(FetchFileTask, { taskList: "acme.com" });
      const claim = await tasks.claim(task);
      await claim?.release({ retryIn: 1 });
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await tries[place]({ task, maxAttempts: 1 })).toEqual(["given up", 2]);
      expect(await tries[place]({ task, maxAttempts: 1 })).toEqual(["passed over", 2]);
    },
  );
});
