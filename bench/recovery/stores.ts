import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataInterface } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import type { Context } from "../benchmark.js";
import { openSides } from "../cassandra/clients.js";
import { coordinatesIn } from "../cassandra/context.js";
import { FetchFileTask } from "../tasks.js";

export type Tasks = DataInterface<typeof FetchFileTask>;

export interface Store extends AsyncDisposable {
  readonly tasks: Tasks;
}

/** How a new, empty store of each kind is opened. Disposal removes it. */
export const stores: Readonly<Record<string, (context: Context, name: string) => Promise<Store>>> = {
  async SQLite() {
    const folder = await mkdtemp(join(tmpdir(), "taskledger-bench-"));
    const tasks = new DataInterface({
      types: [FetchFileTask],
      adapter: new SqliteAdapter({ path: join(folder, "ledger.db") }),
    });
    const close = async () => {
      await tasks.close();
      await rm(folder, { recursive: true, force: true });
    };
    return { tasks, [Symbol.asyncDispose]: close };
  },
  Cassandra: (context, name) => openSides(coordinatesIn(context), `recovery_${name}`),
};
