import { Client, type ClientOptions } from "cassandra-driver";
import { type ContactPoint, parseContactPoints } from "../support/cassandra/contact-points.js";
import { cassandra } from "../support/cassandra/coordinates.js";

const { contactPoints, localDataCenter, port, credentials } = cassandra;

/** How the driver reaches the Cassandra of this run. */
export const driverOptions: ClientOptions = {
  contactPoints,
  localDataCenter,
  protocolOptions: { port },
  ...(credentials && { credentials }),
};

/** Where the first of its nodes listens. */
export const firstNode = parseContactPoints(contactPoints.join())[0] as ContactPoint;

/** One replica: the Cassandra of a run has one node. */
export const replication = { class: "NetworkTopologyStrategy", [localDataCenter]: 1 };

const keyspaces: string[] = [];

/** The name of a keyspace that is not there yet; {@link shutDown} drops it. */
export function newKeyspace(name: string): string {
  const keyspace = `${name}_${Date.now().toString(36)}_${keyspaces.length}`;
  keyspaces.push(keyspace);
  return keyspace;
}

/** Drops the test's keyspaces and shuts its client down. */
export async function shutDown(client: Client): Promise<void> {
  for (const keyspace of keyspaces) await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
  await client.shutdown();
}

/** A client beside the adapter, to look at what that wrote, and to write what it would not. */
export function rawClient(): Client {
  return new Client(driverOptions);
}
