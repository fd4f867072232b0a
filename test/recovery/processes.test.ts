import { join } from "node:path";
import { test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import { DataInterface } from "../../src/index.js";
import { temporaryFolder } from "../support/folders.js";
import { recoverAmidstFaults } from "./processes/run.js";

const folder = temporaryFolder();

test("workers that are killed and stopped leave nothing undone, and none does what another has", async () => {
  const path = join(folder, "ledger.db");
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
  await recoverAmidstFaults({ tasks, store: { path }, log: join(folder, "log"), tolerance: 0 });
}, 90_000);
