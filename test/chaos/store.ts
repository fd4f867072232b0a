import { CassandraAdapter } from "taskledger/cassandra";
import type { CassandraConnectionOptions } from "../../src/adapters/cassandra/connection.js";
import type { ChaosCluster } from "./cluster.js";

const DATA_CENTER = "datacenter1";

/** Few, so that many calls meet in one partition. */
const SHARDS = 2;

/** Makes a keyspace that every node of a cluster keeps; gives what clients connect with. */
export async function makeStore({ contactPoints, port }: ChaosCluster): Promise<CassandraConnectionOptions> {
  const connection = {
    contactPoints: [...contactPoints],
    localDataCenter: DATA_CENTER,
    keyspace: "chaos",
    protocolOptions: { port },
  };
  const replication = { class: "NetworkTopologyStrategy", [DATA_CENTER]: 3 };
  await CassandraAdapter.createSchema({ ...connection, replication, shards: SHARDS });
  return connection;
}
