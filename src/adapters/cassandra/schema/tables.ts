import { invalidArgument } from "../../../core/errors.js";
import { isPlainObject } from "../../../core/values.js";
import { isShardCount, MAX_SHARDS } from "../model/partition.js";
import { checkGracePeriod, type LedgerSettings } from "../model/settings.js";

export interface SchemaOptions {
  readonly keyspace: string;
  /** CREATE KEYSPACE's map, such as `{ class: "NetworkTopologyStrategy", dc1: 3 }`. Used only if the keyspace is new. */
  readonly replication: Readonly<Record<string, string | number>>;
  readonly settings: LedgerSettings;
}

/** Each column's type, kind, and position in its key. */
export const tables: Record<string, Record<string, string>> = {
  tasks: {
    task_list: "text partition_key 0",
    shard: "int partition_key 1",
    id: "text clustering 0 asc",
    body: "blob regular",
  },
  open_tasks: {
    task_list: "text partition_key 0",
    shard: "int partition_key 1",
    saved_at: "bigint clustering 0 asc",
    id: "text clustering 1 asc",
    size: "int regular",
  },
  sweeps: {
    task_list: "text partition_key 0",
    shard: "int partition_key 1",
    swept_to: "bigint regular",
    ranges: "frozen<list<bigint>> regular",
  },
  claims: {
    task_list: "text partition_key 0",
    id: "text partition_key 1",
    saved_at: "bigint regular",
    owner: "text regular",
    fencing_token: "bigint regular",
    attempt: "int regular",
    ends_at: "bigint regular",
  },
  lists: { bucket: "int partition_key 0", task_list: "text clustering 0 asc", noted_at: "bigint regular" },
  settings: { name: "text partition_key 0", value: "text regular" },
};

/** The CQL that creates a keyspace's tables, for people who apply it themselves. */
export function creation(keyspace: string, replication: SchemaOptions["replication"], major: number): string[] {
  const compaction = major >= 5 ? " WITH compaction = {'class': 'UnifiedCompactionStrategy'}" : "";
  const map = Object.entries(replication).map(([name, value]) => `${quote(name)}: ${quote(String(value))}`);
  return [
    `CREATE KEYSPACE IF NOT EXISTS "${keyspace}" WITH replication = {${map.join(", ")}}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".tasks (task_list text, shard int, id text, body blob, ` +
      `PRIMARY KEY ((task_list, shard), id))${compaction}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".open_tasks (task_list text, shard int, saved_at bigint, id text, size int, ` +
      `PRIMARY KEY ((task_list, shard), saved_at, id))${compaction}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".sweeps (task_list text, shard int, swept_to bigint, ` +
      `ranges frozen<list<bigint>>, PRIMARY KEY ((task_list, shard)))${compaction}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".claims (task_list text, id text, saved_at bigint, owner text, fencing_token bigint, ` +
      `attempt int, ends_at bigint, PRIMARY KEY ((task_list, id)))${compaction}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".lists (bucket int, task_list text, noted_at bigint, ` +
      `PRIMARY KEY (bucket, task_list))${compaction}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".settings (name text PRIMARY KEY, value text)`,
  ];
}

/** Checks the options that do not depend on the data centre. Throws INVALID_ARGUMENT. */
export function checkSchemaOptions(
  keyspace: string,
  replication: SchemaOptions["replication"],
  { shards, gracePeriod }: Omit<LedgerSettings, "dataCenter">,
): void {
  checkKeyspaceName(keyspace);
  if (!isPlainObject(replication) || typeof replication.class !== "string")
    throw invalidArgument("replication", 'a map such as { class: "NetworkTopologyStrategy", dc1: 3 }', replication);
  if (!isShardCount(shards)) throw invalidArgument("shards", `a power of two up to ${MAX_SHARDS}`, shards);
  checkGracePeriod(gracePeriod);
}

export function checkKeyspaceName(keyspace: unknown): void {
  if (typeof keyspace === "string" && /^\w{1,48}$/.test(keyspace)) return;
  throw invalidArgument("keyspace", "1 to 48 letters, digits and underscores", keyspace);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
