import driver from "cassandra-driver";
import type { CassandraConnectionOptions } from "../../src/adapters/cassandra/connect.js";
import { createSchema } from "../../src/adapters/cassandra/schema/create.js";
import type { ChaosCluster } from "./cluster.js";

const DATA_CENTER = "datacenter1";

/** How long making the schema may take, in milliseconds. */
const DEADLINE = 120_000;

/** Few, so that many calls meet in one partition. */
const SHARDS = 2;

/**
 * Makes a keyspace that every node of a cluster keeps, with a grace period in milliseconds that may be too small for the usual
 * limit of clocks; gives what clients connect with.
 */
export async function makeStore(
  { contactPoints, port }: ChaosCluster,
  gracePeriod: number,
): Promise<CassandraConnectionOptions> {
  const connection = {
    contactPoints: [...contactPoints],
    localDataCenter: DATA_CENTER,
    protocolOptions: { port },
  };
  const keyspace = "chaos";
  const replication = { class: "NetworkTopologyStrategy", [DATA_CENTER]: 3 };
  const settings = { shards: SHARDS, dataCenter: DATA_CENTER, gracePeriod };
  const client = new driver.Client(connection);
  await client.connect();
  await createSchema(client, driver, { keyspace, replication, settings }, performance.now() + DEADLINE);
  await client.shutdown();
  return { ...connection, keyspace };
}
