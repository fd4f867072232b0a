import type { DataInterface } from "taskledger";
import { cassandraUrl } from "../../test/support/cassandra/store-url.js";
import type { Context } from "../benchmark.js";
import { openSides } from "../cassandra/clients.js";
import { coordinatesIn } from "../cassandra/context.js";
import { openStore } from "../sqlite/store.js";
import type { FetchFileTask } from "../tasks.js";

/** A store that a benchmark fills, and by whose URL the command finds it. */
export interface CommandStore extends AsyncDisposable {
  readonly tasks: DataInterface<typeof FetchFileTask>;
  readonly url: string;
}

interface StoreKind {
  open(context: Context): Promise<CommandStore>;
  /** How long `lists` may take, in seconds. */
  readonly goal: number;
}

/** Leaving a store removes it. */
export const stores: Readonly<Record<string, StoreKind>> = {
  SQLite: { open: openSqlite, goal: 0.2 },
  Cassandra: { open: openCassandra, goal: 2 },
};

export async function openSqlite(): Promise<CommandStore> {
  const { tasks, path, ...store } = await openStore();
  return { tasks, url: `sqlite:${path}`, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

async function openCassandra(context: Context): Promise<CommandStore> {
  const coordinates = coordinatesIn(context);
  const { tasks, keyspace, ...sides } = await openSides(coordinates, "cli");
  return { tasks, url: cassandraUrl(coordinates, keyspace), [Symbol.asyncDispose]: () => sides[Symbol.asyncDispose]() };
}
