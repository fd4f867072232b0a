import { join } from "node:path";
import { test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { LmdbAdapter } from "../../src/adapters/lmdb.js";
import { DataInterface } from "../../src/index.js";
import { temporaryFolder } from "../lmdb/folders.js";
import { recoverAmidstFaults } from "./processes/run.js";

const folder = temporaryFolder();

test("workers that are killed and stopped leave nothing undone, and none does what another has", async () => {
  const path = join(folder, "ledger");
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter: new LmdbAdapter({ path }) });
  await recoverAmidstFaults({ tasks, store: { path }, log: join(folder, "log"), tolerance: 0 });
}, 90_000);
