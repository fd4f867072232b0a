import { Client, policies } from "cassandra-driver";

export interface Credentials {
  username: string;
  password: string;
}

export interface Endpoint {
  /** Each with its port. */
  contactPoints: string[];
  /** The port on which the driver must connect to discovered nodes: it learns only their addresses. */
  port: number;
  credentials?: Credentials;
}

export interface Description {
  localDataCenter: string;
  releaseVersion: string;
}

/** Asks a Cassandra for what a client needs to connect to it. */
export async function describeCassandra({ contactPoints, port, credentials }: Endpoint): Promise<Description> {
  const client = new Client({
    contactPoints,
    protocolOptions: { port },
    // The only policy that needs no data centre, which is not known yet.
    policies: { loadBalancing: new policies.loadBalancing.RoundRobinPolicy() },
    ...(credentials && { credentials }),
  });
  try {
    const row = (await client.execute("SELECT data_center, release_version FROM system.local")).first();
    return { localDataCenter: row.data_center, releaseVersion: row.release_version };
  } finally {
    await client.shutdown();
  }
}
