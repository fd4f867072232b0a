import { DataInterface } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import { type MemoryUse, measureMemory } from "../memory.js";
import { FetchFileTask } from "../tasks.js";

export interface ListPlace {
  readonly path: string;
  readonly list: string;
}

/** Reads a list in a process that has only opened the store before. */
export async function* run({ path, list }: ListPlace): AsyncGenerator<MemoryUse, void> {
  const adapter = new SqliteAdapter({ path });
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter });
  await adapter.open();
  yield await measureMemory(tasks.all(list));
}
