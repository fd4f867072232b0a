import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll, describe } from "vitest";
import { newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { cassandraUrl } from "../support/cassandra/store-url.js";
import { describeBoarding } from "./boarding.js";
import { describeChanging } from "./changing.js";
import { buildDescriptors } from "./descriptors.js";
import { describeLooking } from "./looking.js";
import { describeMoving } from "./moving.js";
import { describeNaming } from "./naming.js";
import { openTestStore, type TestStore } from "./stores.js";

const keyspace = newKeyspace("cli");
const client = rawClient();
const descriptors = buildDescriptors();
let store: TestStore;
beforeAll(async () => {
  await CassandraAdapter.createSchema({ client, keyspace, replication });
  store = await openTestStore(cassandraUrl(cassandra, keyspace));
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
  describeBoarding(() => store);
});
