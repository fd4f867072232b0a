import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll } from "vitest";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { describeOnStore } from "./store-cases.js";

const client = rawClient();
const keyspace = newKeyspace("stores");
beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication }));
afterAll(() => shutDown(client));

describeOnStore("on Cassandra", () => new CassandraAdapter({ ...driverOptions, keyspace }));
