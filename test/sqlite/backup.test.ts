import { copyFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DataInterface, moveTasks } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { SqliteAdapter } from "taskledger/sqlite";
import { expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { taskEntry } from "../../src/testing/entries.js";
import { idsOf } from "../runtime/stores.js";
import { temporaryFolder } from "../support/folders.js";
import { expectIntact, openTasks, rawDatabase } from "./judge.js";
import { type SavedTask, StoreProcess } from "./process.js";

const folder = temporaryFolder();
const LIST = "backup.example";

test("a copy by VACUUM INTO, made while the file is written, holds all that was acknowledged before it", async () => {
  const path = join(folder, "ledger.db");
  const adapter = new SqliteAdapter({ path });
  const acknowledged: string[] = [];
  let isDone = false;
  const writing = Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let i = 0; !isDone; i++) {
        const id = `${lane}-${i}`;
        const [outcome] = await adapter.save([taskEntry(LIST, id)]);
        if (outcome?.ok) acknowledged.push(id);
      }
    }),
  );
  for (let copy = 0; copy < 10; copy++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const before = [...acknowledged];
    const database = rawDatabase(path);
    database.prepare("VACUUM INTO ?").run(join(folder, `copy-${copy}.db`));
    database.close();
    const held = await openTasks(join(folder, `copy-${copy}.db`), LIST);
    expect(before.filter((id) => !held.has(id))).toEqual([]);
    expectIntact(join(folder, `copy-${copy}.db`));
  }
  isDone = true;
  await writing;
  await adapter.close();
  expect(acknowledged.length).toBeGreaterThan(100);
}, 60_000);

test("a backup that is put in the file's place, as docs/sqlite.md says, is what the store goes on from", async () => {
  const path = join(folder, "restored.db");
  const backup = join(folder, "backup.db");
  const process = await StoreProcess.start(path);
  const [kept, completed] = (await process.ask<SavedTask[]>("save", LIST, [
    "kept",
    "completed",
  ])) as never as SavedTask[];
  const database = rawDatabase(path);
  database.prepare("VACUUM INTO ?").run(backup);
  database.close();
  await process.ask("complete", [completed]);
  await process.ask("save", LIST, ["late"]);
  await process.kill(); // which leaves the log
  expect(existsSync(`${path}-wal`)).toBe(true);

  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`);
  copyFileSync(backup, path);
  const before = [kept, completed].map((task) => [task?.id, task?.savedAt]);
  expect([...(await openTasks(path, LIST))]).toEqual(before);
  const adapter = new SqliteAdapter({ path });
  const [outcome] = await adapter.save([taskEntry(LIST, "after")]);
  await adapter.close();
  expect([...(await openTasks(path, LIST))]).toEqual([...before, ["after", String(outcome?.ok && outcome.value)]]);
  expect(outcome?.ok && outcome.value).toBeGreaterThan(BigInt(completed?.savedAt ?? 0));
  expectIntact(path);
});

test("open tasks move to another store, oldest first", async () => {
  const types = [FetchFileTask];
  await using from = new DataInterface({ types, adapter: new SqliteAdapter({ path: join(folder, "old.db") }) });
  await using to = new DataInterface({ types, adapter: new MemoryAdapter() });
  for (let i = 0; i < 100; i++) await from.create(FetchFileTask, { taskList: LIST, id: `${i}`, filename: "f" });
  expect(await moveTasks(from, to, LIST, { concurrency: 1 })).toBe(100);
  expect(await idsOf(from.all(LIST))).toEqual([]);
  expect(await idsOf(to.all(LIST))).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
});
