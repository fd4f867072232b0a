import driver, { type Client } from "cassandra-driver";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PartitionTokens } from "../../src/adapters/cassandra/driver/routing.js";
import { newKeyspace, rawClient, replication, shutDown } from "./connection.js";

const client = rawClient();
const keyspace = newKeyspace("routing");

beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication }));
afterAll(() => shutDown(client));

test("the token of a partition is the one that the servers place it by", async () => {
  const tokens = new PartitionTokens(client, driver);
  const table = `"${keyspace}".tasks`;
  for (const taskList of ["acme.com", "é漢😀", "x".repeat(512)])
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
  const metadata = { tokenizer: {}, newToken: () => ({ made: ++made }) };
  const tokens = new PartitionTokens({ metadata } as unknown as Client, driver);
  const first = tokens.of({ taskList: "a", shard: 0 });
  for (let i = 0; i < 5_000; i++) tokens.of({ taskList: `list${i}`, shard: 0 });
  expect(tokens.of({ taskList: "a", shard: 0 })).not.toBe(first);
});

test("a policy or a tracker that is not the driver's own is given none: its documentation speaks of keys", () => {
  const { loadBalancing } = driver.policies;
  class Own extends loadBalancing.RoundRobinPolicy {}
  const metadata = { tokenizer: {}, newToken: () => "token" };
  const tokenWith = (options: object, known: object = metadata) =>
    new PartitionTokens({ metadata: known, options } as unknown as Client, driver).of({ taskList: "a", shard: 0 });
  const balancedBy = (policy: object) => tokenWith({ policies: { loadBalancing: policy } });
  expect(balancedBy(new loadBalancing.TokenAwarePolicy(new loadBalancing.RoundRobinPolicy()))).toBe("token");
  expect(balancedBy(new Own())).toBeUndefined();
  expect(balancedBy(new loadBalancing.TokenAwarePolicy(new Own()))).toBeUndefined();
  expect(tokenWith({ requestTracker: {} })).toBeUndefined();
  expect(tokenWith({}, { newToken: metadata.newToken })).toBeUndefined(); // the servers' partitioner is not known
});
