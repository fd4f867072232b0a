import { CassandraAdapter } from "taskledger/cassandra";
import { afterEach, describe, expect, test } from "vitest";
import { emptyKeyspace } from "./empty-keyspace.js";
import { SilentServer } from "./silent-server.js";

const servers: SilentServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** The contact points of servers that take connections, and answer nothing. */
function silent(count: number): Promise<string[]> {
  const started = Array.from({ length: count }, () => new SilentServer());
  servers.push(...started);
  return Promise.all(started.map((server) => server.listen()));
}

const hasConnections = () => servers.some(({ connections }) => connections.size > 0);

const never = new Promise<never>(() => {});

/** Far less than the driver's own twelve seconds a node. */
const SOON = 6_000;

describe("opening ends with the deadline", { timeout: SOON }, () => {
  const keyspace = "tasks";

  test("where a node takes the connection and answers nothing, and closes that", async () => {
    const contactPoints = await silent(1);
    const adapter = new CassandraAdapter({ contactPoints, localDataCenter: "dc1", keyspace, deadline: 500 });
    await expect(adapter.open()).rejects.toMatchObject({
      code: expect.stringMatching(/^(TIMEOUT|UNAVAILABLE)$/),
      outcome: "not-applied",
      message: expect.stringMatching(/^Cassandra can't be reached: /),
    });
    await expect.poll(hasConnections, { timeout: SOON }).toBe(false);
    await adapter.close();
  });

  test("where many nodes do, one after the other", async () => {
    const contactPoints = await silent(6);
    const limits = { deadline: 600, attemptTimeout: 300 };
    const adapter = new CassandraAdapter({ contactPoints, localDataCenter: "dc1", keyspace, ...limits });
    const opening = adapter.open();
    await expect(opening).rejects.toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("within 850 ms") });
    await expect.poll(hasConnections, { timeout: SOON }).toBe(false);
    await adapter.close();
  });

  test("where a client of the user's does not come to be connected", async () => {
    const client = Object.assign(emptyKeyspace(), { connect: () => never });
    const adapter = new CassandraAdapter({ client, keyspace, deadline: 100 });
    await expect(adapter.open()).rejects.toMatchObject({ code: "TIMEOUT" });
    await adapter.close();
  });

  test.each(["system_schema.columns", "SELECT data_center"])("where there is no answer to %s", async (part) => {
    const client = emptyKeyspace((query) => query.includes(part));
    const adapter = new CassandraAdapter({ client, keyspace, deadline: 100 });
    await expect(adapter.open()).rejects.toMatchObject({ code: "TIMEOUT" });
    await adapter.close();
  });
});
