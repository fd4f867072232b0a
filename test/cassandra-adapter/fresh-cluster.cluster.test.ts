import { Client } from "cassandra-driver";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll, describe, test } from "vitest";
import { type CassandraCluster, clientOf, startCluster } from "../support/cassandra/cluster.js";
import { missingForJars } from "../support/cassandra/jars.js";

const missing = await missingForJars();
const reason = missing ? ` (skipped: ${missing})` : "";
let cluster: CassandraCluster;

beforeAll(async () => {
  if (missing !== undefined) return;
  const addresses = ["127.0.0.51", "127.0.0.52", "127.0.0.53"];
  cluster = await startCluster({ addresses, settle: false });
}, 180_000);
afterAll(() => cluster?.stop());

/** Opens an adapter by each node alone. */
async function openByEach(keyspace: string): Promise<void> {
  for (const node of cluster.nodes) {
    const client = clientOf(node);
    const adapter = new CassandraAdapter({ client, keyspace });
    await adapter.open();
    await adapter.close();
    await client.shutdown();
  }
}

describe.skipIf(missing)(`a cluster that has just started${reason}`, { timeout: 180_000 }, () => {
  const connection = () => {
    const { contactPoints, port, localDataCenter } = cluster;
    // The driver then takes it for granted that nodes agree, as it does where its node has not heard of others yet.
    return { contactPoints, localDataCenter, protocolOptions: { port, maxSchemaAgreementWaitSeconds: 0 } };
  };
  const replication = () => ({ class: "NetworkTopologyStrategy", [cluster.localDataCenter]: 3 });

  test("has a schema on every node once createSchema returns", async () => {
    for (const keyspace of ["fresh_0", "fresh_1", "fresh_2"]) {
      await CassandraAdapter.createSchema({ ...connection(), keyspace, replication: replication() });
      await openByEach(keyspace);
    }
  });

  test("has it with a client of the user's", async () => {
    const client = new Client(connection());
    await CassandraAdapter.createSchema({ client, keyspace: "fresh_3", replication: replication() });
    await openByEach("fresh_3");
    await client.shutdown();
  });
});
