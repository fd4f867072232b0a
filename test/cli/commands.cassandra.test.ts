import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll, describe } from "vitest";
import { newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { describeChanging } from "./changing.js";
import { buildDescriptors } from "./descriptors.js";
import { describeLooking } from "./looking.js";
import { describeMoving } from "./moving.js";
import { describeNaming } from "./naming.js";
import { openTestStore, type TestStore } from "./stores.js";

const { contactPoints, localDataCenter, credentials } = cassandra;
const user = credentials ? [credentials.username, credentials.password].map(encodeURIComponent).join(":") : "";
const keyspace = newKeyspace("cli");
const client = rawClient();
const descriptors = buildDescriptors();
let store: TestStore;
beforeAll(async () => {
  await CassandraAdapter.createSchema({ client, keyspace, replication });
  const hosts = `${user && `${user}@`}${contactPoints.join(",")}`;
  store = await openTestStore(`cassandra://${hosts}/${keyspace}?datacenter=${localDataCenter}`);
});
afterAll(async () => {
  await store?.tasks.close();
  await shutDown(client);
});

describe("on Cassandra", { timeout: 120_000 }, () => {
  describeLooking(() => store, descriptors);
  describeChanging(() => store);
  describeMoving(() => store, descriptors);
  describeNaming(() => store);
});
