import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { compose, growBacklog, killWorker, stopWorker } from "./scenarios.js";
import { LISTS, order, Town } from "./town.js";

const client = rawClient();
const keyspace = newKeyspace("orders");
const { contactPoints, localDataCenter, port, credentials } = cassandra;
const user = credentials && [credentials.username, credentials.password].map(encodeURIComponent).join(":");
const hosts = contactPoints.map((host) => (port === undefined || host.includes(":") ? host : `${host}:${port}`));
const store = `cassandra://${user ? `${user}@` : ""}${hosts.join(",")}/${keyspace}?datacenter=${localDataCenter}`;

beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication }));
afterAll(() => shutDown(client));

describe("a service beside its queue, on Cassandra", { timeout: 300_000 }, () => {
  test("a worker that is killed in the midst of its work leaves nothing undone", () => killWorker({ store }));

  test("a worker that is stopped past its lease is refused what it writes late, by its lower token", () =>
    stopWorker({ store }));

  test("a backlog that is redelivered, and recovered too, is done once", () => growBacklog({ store }));

  test("recover and a composite on one list do each task once", () => compose({ store }));

  test("an order whose tasks can't be saved together is refused, and none of them is saved", async () => {
    await using town = await Town.begin({ store });
    const api = await town.service.start("api");
    await expect(api.ask("POST /orders", order("order"))).rejects.toThrow("503 this store can't save several tasks");
    expect(await town.open(...LISTS)).toEqual([]);
    await town.service.end();
  });
});
