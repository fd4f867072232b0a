import { Client, type ClientOptions } from "cassandra-driver";
import { cassandra } from "../cassandra/coordinates.js";

const { contactPoints, localDataCenter, port, credentials } = cassandra;

/** How the driver reaches the Cassandra of this run. */
export const driverOptions: ClientOptions = {
  contactPoints,
  localDataCenter,
  protocolOptions: { port },
  ...(credentials && { credentials }),
};

/** One replica: the Cassandra of a run has one node. */
export const replication = { class: "NetworkTopologyStrategy", [localDataCenter]: 1 };

/** A client beside the adapter, to look at what that wrote, and to write what it would not. */
export function rawClient(): Client {
  return new Client(driverOptions);
}
