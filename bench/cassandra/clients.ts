import { Client, type ClientOptions, types } from "cassandra-driver";
import { DataInterface } from "taskledger";
import { CassandraAdapter, type LedgerOptions } from "taskledger/cassandra";
import { DEFAULT_SHARDS } from "../../src/adapters/cassandra/model/partition.js";
import type { Coordinates } from "../../test/support/cassandra/supply.js";
import { FetchFileTask } from "../tasks.js";
import { RawTable } from "./raw-table.js";

const REPLICATION = { class: "SimpleStrategy", replication_factor: 1 };

/** Both sides of a comparison, each with a client of its own; the clients have the same options. */
export interface Sides extends AsyncDisposable {
  readonly tasks: DataInterface<typeof FetchFileTask>;
  readonly adapter: CassandraAdapter;
  readonly raw: RawTable;
  readonly keyspace: string;
  readonly shards: number;
  /** That of the raw table. */
  readonly client: Client;
}

/** One connection per client, the driver's default. */
export function clientOptions({ contactPoints, port, localDataCenter, credentials }: Coordinates): ClientOptions {
  return {
    contactPoints,
    protocolOptions: { port },
    localDataCenter,
    pooling: { coreConnectionsPerHost: { [types.distance.local]: 1 } },
    queryOptions: { consistency: types.consistencies.localQuorum, prepare: true, isIdempotent: true },
    ...(credentials && { credentials }),
  };
}

/** The options of the adapter, and its keyspace. */
export type SidesOptions = LedgerOptions & { readonly shards?: number };

/** Creates an empty keyspace for each side, and connects. Disposal drops them. */
export async function openSides(
  coordinates: Coordinates,
  name: string,
  { shards = DEFAULT_SHARDS, ...options }: SidesOptions = {},
): Promise<Sides> {
  const keyspace = `bench_${name}`;
  const connection = { ...clientOptions(coordinates), keyspace };
  const client = new Client(clientOptions(coordinates));
  await client.connect();
  await dropKeyspaces(client, keyspace);
  await CassandraAdapter.createSchema({
    ...connection,
    replication: REPLICATION,
    gracePeriod: options.gracePeriod,
    shards,
  });
  const raw = await RawTable.create(client, `${keyspace}_raw`);
  const adapter = new CassandraAdapter({ ...connection, ...options });
  const tasks = new DataInterface({ types: [FetchFileTask], adapter });
  await adapter.open();
  const close = async () => {
    await tasks.close();
    await dropKeyspaces(client, keyspace);
    await client.shutdown();
  };
  return { tasks, adapter, raw, keyspace, shards, client, [Symbol.asyncDispose]: close };
}

async function dropKeyspaces(client: Client, keyspace: string): Promise<void> {
  for (const name of [keyspace, `${keyspace}_raw`])
    await client.execute(`DROP KEYSPACE IF EXISTS ${name}`, [], { prepare: false, readTimeout: 60_000 });
}
