import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataInterface } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import { FetchFileTask } from "../tasks.js";

export type Tasks = DataInterface<typeof FetchFileTask>;

/** A store in a new folder, which is removed when it is left. */
export async function openStore(): Promise<{ tasks: Tasks; folder: string; path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "taskledger-bench-"));
  const path = join(folder, "ledger.db");
  const tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
  const close = async () => {
    await tasks.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { tasks, folder, path, [Symbol.asyncDispose]: close };
}
