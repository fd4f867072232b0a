import { join } from "node:path";
import { afterAll, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { DataInterface } from "../../src/index.js";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { temporaryFolder } from "../support/folders.js";
import { recoverAmidstFaults } from "./processes/run.js";

const client = rawClient();
afterAll(() => shutDown(client));
const folder = temporaryFolder();

test("workers that are killed and stopped leave nothing undone, and none does what another has", async () => {
  const keyspace = newKeyspace("recovery");
  const cassandra = { ...driverOptions, keyspace, clockLimit: 100 };
  await CassandraAdapter.createSchema({ client, keyspace, replication });
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter: new CassandraAdapter(cassandra) });
  await recoverAmidstFaults({ tasks, store: { cassandra }, log: join(folder, "log"), tolerance: 200 });
}, 90_000);
