import { join } from "node:path";
import { MemoryAdapter } from "taskledger/memory";
import { SqliteAdapter } from "taskledger/sqlite";
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

describeDamagedTasks("SQLite", async () => {
  const path = join(folder, `${++files}.db`);
  const adapter = new SqliteAdapter({ path });
  const damage = async (taskList: string, id: string, body: Uint8Array) =>
    runSql(path, "UPDATE tasks SET body = ? WHERE list = ? AND id = ?", body, taskList, id);
  return { adapter, damage };
});
