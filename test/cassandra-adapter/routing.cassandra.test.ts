import driver, { type Client } from "cassandra-driver";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PartitionTokens } from "../../src/adapters/cassandra/routing.js";
import { newKeyspace, rawClient, replication, shutDown } from "./connection.js";

const client = rawClient();
const keyspace = newKeyspace("routing");

beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication }));
afterAll(() => shutDown(client));

test("the token of a partition is the one that the servers place it by", async () => {
  const tokens = new PartitionTokens(client, driver);
  const table = `"${keyspace}".tasks`;
  for (const taskList of ["datto.com", "é漢😀", "x".repeat(512)])
    for (const shard of [0, 1, 7, 65_535]) {
      await client.execute(`INSERT INTO ${table} (task_list, shard, id) VALUES (?, ?, 'a')`, [taskList, shard], {
        prepare: true,
      });
      const select = `SELECT token(task_list, shard) AS place FROM ${table} WHERE task_list = ? AND shard = ? AND id = 'a'`;
      const { rows } = await client.execute(select, [taskList, shard], { prepare: true });
      const [first, again] = [tokens.of({ taskList, shard }), tokens.of({ taskList, shard })];
      expect(String((first as { getValue(): unknown }).getValue())).toBe(String(rows[0]?.place));
      expect(again).toBe(first);
    }
});

test("no more than some thousand tokens are kept", () => {
  let made = 0;
  const metadata = { newToken: () => ({ made: ++made }) };
  const tokens = new PartitionTokens({ metadata } as unknown as Client, driver);
  const first = tokens.of({ taskList: "a", shard: 0 });
  for (let i = 0; i < 5_000; i++) tokens.of({ taskList: `list${i}`, shard: 0 });
  expect(tokens.of({ taskList: "a", shard: 0 })).not.toBe(first);
});

test("a policy or a tracker that is not the driver's own gets the key in bytes, as the driver's documentation says", () => {
  const { loadBalancing } = driver.policies;
  class Own extends loadBalancing.RoundRobinPolicy {}
  const metadata = { newToken: () => "token" };
  const keyWith = (options: object) => {
    const tokens = new PartitionTokens({ metadata, options } as unknown as Client, driver);
    return tokens.of({ taskList: "a", shard: 0 });
  };
  const balancedBy = (policy: object) => keyWith({ policies: { loadBalancing: policy } });
  const key = Buffer.from([0, 1, 97, 0, 0, 4, 0, 0, 0, 0, 0]);
  expect(balancedBy(new loadBalancing.TokenAwarePolicy(new loadBalancing.RoundRobinPolicy()))).toBe("token");
  expect(balancedBy(new Own())).toEqual(key);
  expect(balancedBy(new loadBalancing.TokenAwarePolicy(new Own()))).toEqual(key);
  expect(keyWith({ requestTracker: {} })).toEqual(key);
});
