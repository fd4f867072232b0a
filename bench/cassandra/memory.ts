import { DataInterface } from "taskledger";
import { CassandraAdapter } from "taskledger/cassandra";
import type { Coordinates } from "../../test/support/cassandra/supply.js";
import { type MemoryUse, measureMemory } from "../memory.js";
import { FetchFileTask } from "../tasks.js";
import { clientOptions } from "./clients.js";

export interface ListPlace {
  readonly cassandra: Coordinates;
  readonly keyspace: string;
  readonly list: string;
}

/** Reads a list in a process that has only connected before. */
export async function* run({ cassandra, keyspace, list }: ListPlace): AsyncGenerator<MemoryUse, void> {
  const adapter = new CassandraAdapter({ ...clientOptions(cassandra), keyspace });
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter });
  await adapter.open();
  yield await measureMemory(tasks.all(list));
}
