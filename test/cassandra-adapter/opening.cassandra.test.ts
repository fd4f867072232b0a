import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { driverOptions, firstNode, newKeyspace, rawClient, replication, shutDown } from "./connection.js";
import { SilentServer } from "./silent-server.js";

const client = rawClient();
const keyspace = newKeyspace("opening");
const servers: SilentServer[] = [];

beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication }));
afterAll(() => shutDown(client));
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function silent(): SilentServer {
  const server = new SilentServer(firstNode);
  servers.push(server);
  return server;
}

test("a node that answers nothing keeps nobody from another", async () => {
  for (let i = 0; i < 4; i++) {
    const contactPoints = [await silent().listen(), firstNode.contactPoint]; // the driver begins with either
    const adapter = new CassandraAdapter({ ...driverOptions, contactPoints, keyspace, attemptTimeout: 1_000 });
    await adapter.open();
    await adapter.close();
  }
});

test("a client that comes to be connected after it was given up is shut down", async () => {
  const server = silent();
  const contactPoints = [await server.listen()];
  const socketOptions = { readTimeout: 60_000 };
  const adapter = new CassandraAdapter({ ...driverOptions, contactPoints, socketOptions, keyspace, deadline: 300 });
  await expect(adapter.open()).rejects.toMatchObject({ code: "TIMEOUT" });
  expect(server.connections.size).toBe(1);
  server.speak();
  await expect.poll(() => server.connections.size, { timeout: 20_000 }).toBe(0);
  await adapter.close();
});
