import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstNode, newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { cassandraUrl } from "../support/cassandra/store-url.js";
import { BatchSink } from "./batch-sink.js";
import { describeExitCodes, seed, seedStore } from "./exit-codes.js";
import { run } from "./process.js";
import { openTestStore, type TestStore } from "./stores.js";

const keyspace = newKeyspace("codes");
const client = rawClient();
let store: TestStore;
beforeAll(async () => {
  await CassandraAdapter.createSchema({ client, keyspace, replication });
  store = await openTestStore(cassandraUrl(cassandra, keyspace));
  await seedStore(store);
});
afterAll(async () => {
  await store?.tasks.close();
  await shutDown(client);
});

describe("on Cassandra", { timeout: 120_000 }, () => {
  describeExitCodes("seeded", () => ({ env: store.env }));

  test("75: it is not known whether a complete was done, whose answer does not come", async () => {
    await store.tasks.save(seed.build("unanswered"));
    const sink = new BatchSink(firstNode);
    const env = { TASKLEDGER_STORE: cassandraUrl({ ...cassandra, contactPoints: [await sink.listen()] }, keyspace) };
    const complete = ["complete", seed.list, "unanswered", "--latest", "--yes", "--timeout", "3s"];
    const { code, err } = await run(complete, { env });
    sink.close();
    expect({ code, err }).toMatchObject({ code: 75, err: expect.stringContaining("doing it again is safe") });
    expect((await run(complete, { env: store.env })).code).toBe(0);
  });
});

describe("schema, on Cassandra", { timeout: 120_000 }, () => {
  const schema = (name: string, action: string, ...options: string[]) =>
    run(["schema", action, ...options], { env: { TASKLEDGER_STORE: cassandraUrl(cassandra, name) } });

  test("apply makes a keyspace, and again changes nothing; check finds it in order", async () => {
    const name = newKeyspace("schema");
    const missing = await schema(name, "check");
    expect(missing).toMatchObject({ code: 3, err: expect.stringMatching(/^error\[SCHEMA_MISMATCH\]/) });
    expect(missing.err).toContain("taskledger schema apply");
    expect(await schema(name, "apply")).toMatchObject({ code: 2, err: expect.stringContaining("[NO_REPLICATION]") });
    for (let i = 0; i < 2; i++)
      expect(await schema(name, "apply", "--replication", "1")).toEqual({
        ...{ code: 0, out: "The schema is complete.\n", err: "" },
      });
    expect(await schema(name, "check")).toEqual({ code: 0, out: "The store's schema is in order.\n", err: "" });
  });

  test("check exits with 3 where something differs, apply with 1, and neither changes it", async () => {
    const name = newKeyspace("differs");
    await CassandraAdapter.createSchema({ client, keyspace: name, replication, shards: 4 });
    const other = await schema(name, "apply", "--replication", "1", "--shards", "8");
    expect(other).toMatchObject({ code: 1, err: expect.stringMatching(/^error\[SCHEMA_MISMATCH\]: .*shards/) });
    expect(await schema(name, "check")).toMatchObject({ code: 0 });
    await client.execute(`ALTER TABLE ${name}.claims DROP owner`);
    for (let i = 0; i < 2; i++)
      expect(await schema(name, "check")).toMatchObject({ code: 3, err: expect.stringContaining("[SCHEMA_MISMATCH]") });
  });

  test("print prints what cqlsh takes", async () => {
    const name = newKeyspace("printed");
    const { code, out } = await schema(name, "print", "--replication", "1", "--shards", "4");
    expect(code).toBe(0);
    for (const statement of out.split(/;\s*$/m)) if (statement.trim()) await client.execute(statement);
    expect(await schema(name, "check")).toMatchObject({ code: 0 });
  });
});
