import type { Adapter, OperationOptions } from "../adapter/adapter.js";
import { checkCount, readOperation, readOptions } from "../core/arguments.js";
import { cassandraAdapter } from "./cassandra-adapter.js";
import { parseStoreUrl, type StoreAddress } from "./store-url.js";

export interface OpenStoreOptions extends OperationOptions {
  /**
   * Makes what the store needs, if it is not there: Cassandra's keyspace and tables, with so many replicas in the
   * data centre of the URL. The other stores make what they need by themselves.
   */
  readonly createSchema?: { readonly replicas: number } | undefined;
}

/**
 * Opens the store that a URL names; its driver is imported only then. An open Cassandra keeps the process running until it is
 * closed.
 *
 *     memory:
 *     sqlite:./ledger.db
 *     cassandra://user:password@host1:9042,host2/keyspace?datacenter=dc1&tls=true
 *
 * With `tls=true`, Cassandra's nodes must have a certificate of an authority that Node.js trusts, or that is in the file
 * that `tlsCAFile` names; `tls=insecure` encrypts, and accepts whoever answers.
 *
 * @throws {@link TaskError} INVALID_URL, INVALID_ARGUMENT, MISSING_DRIVER, SCHEMA_MISMATCH, UNAVAILABLE, TIMEOUT; none of
 * them holds the password.
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Adapter> {
  const { createSchema, signal } = readOperation(options, { createSchema: true, signal: true });
  const replicas = createSchema && replicasOf(createSchema);
  const adapter = await adapterFor(parseStoreUrl(url), replicas);
  try {
    await adapter.open({ signal });
  } catch (error) {
    await adapter.close();
    throw error;
  }
  return adapter;
}

function replicasOf(createSchema: NonNullable<OpenStoreOptions["createSchema"]>): number {
  const { replicas } = readOptions(createSchema, { replicas: true }, "createSchema");
  checkCount("createSchema.replicas", replicas);
  return replicas;
}

async function adapterFor(address: StoreAddress, replicas: number | undefined): Promise<Adapter> {
  switch (address.kind) {
    case "memory":
      return new (await import("../adapters/memory/adapter.js")).MemoryAdapter();
    case "sqlite":
      return new (await import("../adapters/sqlite/index.js")).SqliteAdapter({ path: address.path });
    case "cassandra":
      return cassandraAdapter(address, replicas);
  }
}
