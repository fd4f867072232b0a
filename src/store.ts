import type { Adapter, OperationOptions } from "./adapter.js";
import { invalidArgument } from "./errors.js";
import { checkCount, checkOperation } from "./options.js";
import { type CassandraAddress, parseStoreUrl, type StoreAddress } from "./store-url.js";
import { isPlainObject } from "./values.js";

export {
  type CassandraAddress,
  type MemoryAddress,
  parseStoreUrl,
  type SqliteAddress,
  type StoreAddress,
} from "./store-url.js";

export interface OpenStoreOptions extends OperationOptions {
  /**
   * Makes what the store needs, if it is not there: Cassandra's keyspace and tables, with so many replicas in the
   * data centre of the URL. The other stores make what they need by themselves.
   */
  readonly createSchema?: { readonly replicas: number } | undefined;
}

/**
 * Opens the store that a URL names; its driver is imported only then.
 *
 *     memory:
 *     sqlite:./ledger.db
 *     cassandra://user:password@host1:9042,host2/keyspace?datacenter=dc1
 *
 * Throws INVALID_URL, INVALID_ARGUMENT, MISSING_DRIVER, SCHEMA_MISMATCH, UNAVAILABLE. No message holds the password.
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Adapter> {
  checkOperation(options);
  checkCreateSchema(options.createSchema);
  const adapter = await adapterFor(parseStoreUrl(url), options);
  try {
    await adapter.open(options);
  } catch (error) {
    await adapter.close();
    throw error;
  }
  return adapter;
}

function checkCreateSchema(createSchema: unknown): void {
  if (createSchema === undefined) return;
  if (!isPlainObject(createSchema)) throw invalidArgument("createSchema", "{ replicas }", createSchema);
  checkCount("createSchema.replicas", createSchema.replicas);
}

async function adapterFor(address: StoreAddress, options: OpenStoreOptions): Promise<Adapter> {
  switch (address.kind) {
    case "memory":
      return new (await import("./adapters/memory.js")).MemoryAdapter();
    case "sqlite":
      return new (await import("./adapters/sqlite/index.js")).SqliteAdapter({ path: address.path });
    case "cassandra":
      return cassandraAdapter(address, options);
  }
}

async function cassandraAdapter(address: CassandraAddress, { createSchema }: OpenStoreOptions): Promise<Adapter> {
  const { CassandraAdapter } = await import("./adapters/cassandra/index.js");
  const { kind, contactPoints, tls, ...rest } = address;
  const options = { ...rest, contactPoints: [...contactPoints], ...(tls && { sslOptions: {} }) };
  if (createSchema) {
    const replication = { class: "NetworkTopologyStrategy", [address.localDataCenter]: createSchema.replicas };
    await CassandraAdapter.createSchema({ ...options, replication });
  }
  return new CassandraAdapter(options);
}
