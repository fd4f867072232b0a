import { join } from "node:path";
import { DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { SqliteAdapter } from "taskledger/sqlite";
import { expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { registryOf } from "../../src/inspection/data-view.js";
import { viewTask } from "../../src/inspection/task-view.js";
import { temporaryFolder } from "../support/folders.js";
import { runSql } from "../support/sqlite.js";
import { describeDamagedTasks } from "./damaged-tasks.js";

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

describeDamagedTasks("SQLite", async () => {
  const path = join(folder, `${++files}.db`);
  const adapter = new SqliteAdapter({ path });
  const damage = async (taskList: string, id: string, body: Uint8Array) =>
    runSql(path, "UPDATE tasks SET body = ? WHERE list = ? AND id = ?", body, taskList, id);
  return { adapter, damage };
});
