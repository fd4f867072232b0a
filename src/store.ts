import type { Adapter, OperationOptions } from "./adapter.js";
import { parseStoreUrl, type StoreAddress } from "./store-url.js";

export {
  type CassandraAddress,
  type LmdbAddress,
  type MemoryAddress,
  parseStoreUrl,
  type StoreAddress,
} from "./store-url.js";

/**
 * Opens the store that a URL names; its driver is imported only then.
 *
 *     memory:
 *     lmdb:./ledger
 *     cassandra://user:password@host1:9042,host2/keyspace?datacenter=dc1
 *
 * Throws INVALID_URL, MISSING_DRIVER, SCHEMA_MISMATCH, UNAVAILABLE. No message holds the password.
 */
export async function openStore(url: string, options?: OperationOptions): Promise<Adapter> {
  const adapter = await adapterFor(parseStoreUrl(url));
  try {
    await adapter.open(options);
  } catch (error) {
    await adapter.close();
    throw error;
  }
  return adapter;
}

async function adapterFor(address: StoreAddress): Promise<Adapter> {
  switch (address.kind) {
    case "memory":
      return new (await import("./adapters/memory.js")).MemoryAdapter();
    case "lmdb":
      return new (await import("./adapters/lmdb.js")).LmdbAdapter({ path: address.path });
    case "cassandra": {
      const { kind, ...options } = address;
      return new (await import("./adapters/cassandra/index.js")).CassandraAdapter(options);
    }
  }
}
