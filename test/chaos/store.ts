import driver from "cassandra-driver";
import type { CassandraConnectionOptions } from "../../src/adapters/cassandra/connect.js";
import { createSchema } from "../../src/adapters/cassandra/schema/create.js";
import type { ChaosCluster } from "./cluster.js";

const DATA_CENTER = "datacenter1";

/** Deadline for creating the schema, in milliseconds. */
const DEADLINE = 120_000;

/** Few shards, so that many calls use the same partition. */
const SHARDS = 2;

/**
 * Creates a keyspace with a replica on every node. Its grace period, in milliseconds, may be too short for the usual limit of
 * clocks. Returns the options for clients.
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
