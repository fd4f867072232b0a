import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataInterface } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import { buildTask, buildTasks, FetchFileTask } from "../tasks.js";

/** A store in a new folder, which is removed when the store is disposed of, and a function that builds tasks for it. */
export interface Store extends AsyncDisposable {
  readonly tasks: DataInterface<typeof FetchFileTask>;
  readonly folder: string;
  readonly buildTask: typeof buildTask;
  readonly buildTasks: typeof buildTasks;
}

export async function openStore(): Promise<Store & { readonly path: string }> {
  const folder = await makeFolder();
  const path = join(folder, "ledger.db");
  const tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
  return { tasks, folder, path, buildTask, buildTasks, ...disposal(tasks, folder) };
}

export function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "taskledger-bench-"));
}

export function disposal(tasks: Store["tasks"], folder: string): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await tasks.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
