import type { Adapter, OperationOptions } from "../adapter/adapter.js";
import { checkBoolean, checkCount, type OptionNames, readOperation, readOptions } from "../core/arguments.js";
import { isPlainObject } from "../core/values.js";
import type { StoreSchema } from "./cassandra-adapter.js";
import { parseStoreUrl, type StoreAddress } from "./store-url.js";

export type { StoreSchema };

/** Options of {@link openStore}. */
export interface OpenStoreOptions extends OperationOptions {
  /**
   * Writes and creates nothing: saves, completes and claims are UNSUPPORTED. Ignored for a store in memory.
   * @defaultValue false
   */
  readonly readOnly?: boolean | undefined;
  /**
   * Creates Cassandra's keyspace and tables if they do not exist. The other stores create what they need by themselves.
   * @defaultValue creates nothing
   */
  readonly createSchema?: StoreSchema | undefined;
}

const optionNames: OptionNames<OpenStoreOptions> = { createSchema: true, readOnly: true, signal: true };

/**
 * Opens the store that a URL names; its driver is imported only then. A connection to Cassandra keeps the process running until
 * the adapter is closed.
 *
 *     memory:
 *     sqlite:./ledger.db
 *     cassandra://user:password@host1:9042,host2/keyspace?datacenter=dc1&tls=true
 *
 * With `tls=true`, Cassandra's nodes must have a certificate of an authority that Node.js trusts, or that is in the file
 * that `tlsCAFile` names; `tls=insecure` encrypts without verifying certificates.
 *
 * @throws `TaskError` INVALID_URL, INVALID_ARGUMENT, MISSING_DRIVER, SCHEMA_MISMATCH, UNAVAILABLE, TIMEOUT. No message
 * contains the password.
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Adapter> {
  const { createSchema, readOnly = false, ...operation } = readOperation(options, optionNames);
  const { signal } = operation;
  checkBoolean("readOnly", readOnly);
  const schema = createSchema && checkSchema("createSchema", createSchema);
  const adapter = await adapterFor(parseStoreUrl(url), readOnly, schema);
  try {
    await adapter.open({ signal });
  } catch (error) {
    await adapter.close();
    throw error;
  }
  return adapter;
}

/**
 * The statements that create the schema of a URL's store, for people who want to see them or apply them themselves: CQL, or
 * SQL; empty for a store in memory. Does not connect.
 *
 * @throws `TaskError` INVALID_URL, INVALID_ARGUMENT.
 */
export async function describeSchema(url: string, schema: StoreSchema): Promise<string> {
  const address = parseStoreUrl(url);
  const checked = checkSchema("schema", schema);
  switch (address.kind) {
    case "memory":
      return "";
    case "sqlite":
      return (await import("../adapters/sqlite/index.js")).SqliteAdapter.describeSchema();
    case "cassandra":
      return (await import("./cassandra-adapter.js")).describeCassandraSchema(address, checked);
  }
}

const schemaNames: OptionNames<StoreSchema> = { replicas: true, shards: true, severalDataCenters: true };

function checkSchema(field: string, schema: StoreSchema): StoreSchema {
  const { replicas, ...rest } = readOptions(schema, schemaNames, field);
  const factors = isPlainObject(replicas) ? Object.values(replicas) : [replicas];
  for (const factor of factors) checkCount(`${field}.replicas`, factor);
  return { replicas, ...rest };
}

async function adapterFor(address: StoreAddress, readOnly: boolean, schema: StoreSchema | undefined): Promise<Adapter> {
  switch (address.kind) {
    case "memory":
      return new (await import("../adapters/memory/index.js")).MemoryAdapter();
    case "sqlite":
      return new (await import("../adapters/sqlite/index.js")).SqliteAdapter({ path: address.path, readOnly });
    case "cassandra":
      return (await import("./cassandra-adapter.js")).cassandraAdapter(address, readOnly, schema);
  }
}
