import { Client, policies } from "cassandra-driver";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, expect, test } from "vitest";
import { shardOf } from "../../src/adapters/cassandra/model/partition.js";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "./connection.js";

const { DefaultLoadBalancingPolicy } = policies.loadBalancing;
type NewQueryPlan = InstanceType<typeof DefaultLoadBalancingPolicy>["newQueryPlan"];

const client = rawClient();
const keyspace = newKeyspace("routing");
const shards = 8;
afterAll(() => shutDown(client));

/** Notes by which keyspaces and keys the driver looks for replicas. */
class Noting extends DefaultLoadBalancingPolicy {
  readonly noted: { readonly keyspace: string; readonly key: Buffer }[] = [];

  override newQueryPlan(...[own, execution, callback]: Parameters<NewQueryPlan>): void {
    const key = execution?.getRoutingKey();
    if (key) this.noted.push({ keyspace: execution.getKeyspace() ?? own, key: key as Buffer });
    super.newQueryPlan(own, execution, callback);
  }
}

/** The token that the servers place a partition by. */
async function placeOf(taskList: string, shard: number): Promise<string> {
  const table = `"${keyspace}".tasks`;
  const insert = `INSERT INTO ${table} (task_list, shard, id) VALUES (?, ?, 'any')`;
  await client.execute(insert, [taskList, shard], { prepare: true });
  const select = `SELECT token(task_list, shard) AS place FROM ${table} WHERE task_list = ? AND shard = ? LIMIT 1`;
  return String((await client.execute(select, [taskList, shard], { prepare: true })).rows[0]?.place);
}

test("what is written to a partition, and read from it, goes to its replicas", async () => {
  await CassandraAdapter.createSchema({ client, keyspace, replication, shards });
  const loadBalancing = new Noting({ localDc: driverOptions.localDataCenter as string });
  const own = new Client({ ...driverOptions, policies: { loadBalancing } });
  const adapter = new CassandraAdapter({ client: own, keyspace });
  await adapter.open();
  for (const taskList of ["acme.com", "é漢😀", "x".repeat(512)])
    for (const id of ["a", "b", "c"]) {
      const key = { taskList, id };
      const place = await placeOf(taskList, shardOf(id, shards));
      for (const call of [
        () => adapter.save([{ ...key, type: "example.v1.FetchFile", replaces: [], body: new Uint8Array(1) }]),
        () => adapter.find([key]),
        () => adapter.complete([{ ...key, savedAt: 1n }]),
      ]) {
        loadBalancing.noted.length = 0;
        await call();
        const [first] = loadBalancing.noted;
        const token = own.metadata.newToken(first?.key as Buffer) as unknown as { getValue(): unknown };
        expect([first?.keyspace, String(token.getValue())]).toEqual([keyspace, place]);
      }
    }
  await adapter.close();
  await own.shutdown();
});
