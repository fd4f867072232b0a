import { join } from "node:path";
import { DataInterface, dispatchKey, moveTasks, OpaqueTask, recover, type Task, toBatch } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { SqliteAdapter } from "taskledger/sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { registryOf } from "../../src/inspection/data-view.js";
import { viewTask } from "../../src/inspection/task-view.js";
import { temporaryFolder } from "../support/folders.js";
import { runSql } from "../support/sqlite.js";
import { describeDamagedTasks } from "./damaged-tasks.js";
import { idsOf } from "./stores.js";

describeDamagedTasks("memory", async () => {
  const adapter = new MemoryAdapter();
  const type = "example.v1.FetchFile";
  const damage = async (taskList: string, id: string, body: Uint8Array) => {
    await adapter.save([{ taskList, id, type, replaces: [], body }]);
  };
  return { adapter, damage };
});

const folder = temporaryFolder();
let files = 0;

test("a claim in SQLite that ends beyond all dates is shown, and others beside it", async () => {
  const path = join(folder, "claims.db");
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
  const task = await tasks.create(FetchFileTask, { taskList: "l", id: "a" });
  await tasks.claim(task, { owner: "worker" });
  runSql(path, "UPDATE claims SET ends_at = 9223372036854775807");
  const { claimedUntil } = (await tasks.claimState(task)) ?? {};
  expect(claimedUntil?.toISOString()).toBe("+275760-09-13T00:00:00.000Z");
  const [claim] = (await tasks.adapter.claims?.states([task])) ?? [];
  const view = viewTask(task, { registry: registryOf(tasks.types), claim: claim ?? null });
  expect(view.claim).toEqual({ attempt: 1, owner: "worker", state: "claimed", until: "+275760-09-13T00:00:00.000Z" });
});

test("a token in SQLite that no clock can have made keeps no claim and no save from being made", async () => {
  const path = join(folder, "tokens.db");
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
  for (const [id, token] of Object.entries({ a: 1_796_142_880_201_638_000n, b: 9_223_372_036_854_775_807n })) {
    const task = await tasks.create(FetchFileTask, { taskList: "tokens", id });
    await tasks.claim(task);
    runSql(path, "UPDATE claims SET token = ?, owner = NULL, ends_at = 0 WHERE id = ?", token, id);
  }
  await tasks.create(FetchFileTask, { taskList: "tokens", id: "c" });
  expect(await recover(tasks, "tokens", () => undefined, { olderThan: 0 })).toMatchObject({ completed: 3 });
  const { envelope } = await tasks.create(FetchFileTask, { taskList: "tokens", id: "d" });
  expect(Number(envelope.savedAt) / 1000 - Date.now()).toBeLessThan(5_000);
});

describeDamagedTasks("SQLite", async () => {
  const path = join(folder, `${++files}.db`);
  const adapter = new SqliteAdapter({ path });
  const damage = async (taskList: string, id: string, body: Uint8Array) =>
    runSql(path, "UPDATE tasks SET body = ? WHERE list = ? AND id = ?", body, taskList, id);
  return { adapter, damage };
});

describe("a row in SQLite that no client can have written", () => {
  const ids = ["", "x".repeat(600), "a\0b", "before 1970", "zero", "after 9999", "last of all"];
  const versions: Readonly<Record<string, bigint>> = {
    "before 1970": -1_500_000n,
    zero: 0n,
    "after 9999": 253_402_300_800_000_005n,
    "last of all": 9_223_372_036_854_775_806n,
  };

  /** A good task, and such rows, some of whose bodies are those of tasks. */
  async function setUp() {
    const path = join(folder, `rows-${++files}.db`);
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
    onTestFinished(() => tasks.close());
    const { envelope } = await tasks.create(FetchFileTask, { taskList: "l", id: "good" });
    for (const [i, id] of ids.entries()) {
      const version = versions[id] ?? (envelope.savedAt as bigint) + BigInt(i) + 1n;
      const body = id in versions ? FetchFileTask.build({ taskList: "l", id }).toBinary() : Uint8Array.of(0xff);
      runSql(path, "INSERT INTO tasks (list, saved_at, id, type, body) VALUES ('l', ?, ?, '?', ?)", version, id, body);
    }
    return tasks;
  }

  test("is listed with its id and version, and found stale, whatever its version", async () => {
    const tasks = await setUp();
    const found: Record<string, bigint | undefined> = {};
    for await (const task of tasks.all("l")) {
      expect(task instanceof OpaqueTask).toBe(task.id !== "good" && !(task.id in versions));
      found[task.id] = task.envelope.savedAt;
      if (task.id in versions) {
        expect(dispatchKey(task)).toContain(String(versions[task.id]));
        const [inBatch] = tasks.fromBatch(toBatch([task]));
        for (const copy of [tasks.fromBinary(task.toBinary()), tasks.fromHash(task.asHash()), inBatch])
          expect(copy).toMatchObject({ id: task.id, envelope: { savedAt: undefined } });
      }
    }
    expect(found).toMatchObject(versions);
    expect(Object.keys(found).sort()).toEqual([...ids, "good"].sort());
    expect((await idsOf(tasks.stale("l", { olderThan: 0 }))).sort()).toEqual([...ids, "good"].sort());
    expect((await idsOf(tasks.stale("l", { olderThan: 1, unclaimed: true }))).length).toBe(ids.length + 1);
  });

  test("is done or given up like any other, and stands in nobody's way", async () => {
    const tasks = await setUp();
    const work = (task: Task) => {
      if (task instanceof OpaqueTask) throw task.reason;
    };
    const options = { olderThan: 0, maxAttempts: 1, deadLetterList: "dead", opaque: true };
    expect(await recover(tasks, "l", work, options)).toMatchObject({ completed: 5, deadLettered: 3 });
    expect(await idsOf(tasks.all("l"))).toEqual([]);
    expect(await idsOf(tasks.all("dead"))).toHaveLength(3);
    for await (const { envelope } of tasks.all("dead")) expect(ids).toContain(envelope.headers["taskledger-dead-id"]);
  });

  test("can be completed, and moved to another store", async () => {
    const [tasks, to] = [await setUp(), new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() })];
    expect(await moveTasks(tasks, to, "l")).toBe(ids.length + 1);
    expect(await idsOf(tasks.all("l"))).toEqual([]);
    expect((await idsOf(to.all("l"))).sort()).toEqual([...ids, "good"].sort());
    const again = await setUp();
    for await (const task of again.all("l")) await again.complete(task);
    expect(await idsOf(again.all("l"))).toEqual([]);
  });
});
