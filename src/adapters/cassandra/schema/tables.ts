import { invalidArgument } from "../../../core/errors.js";
import { isPlainObject } from "../../../core/values.js";
import { DEFAULT_SHARDS, isShardCount, MAX_SHARDS } from "../model/partition.js";
import {
  checkGracePeriod,
  DEFAULT_GRACE_PERIOD,
  type LedgerSettings,
  SEVERAL_DATA_CENTERS,
  settingRows,
} from "../model/settings.js";

/** Settings of a keyspace, for all of its clients, fixed when its tables are created. */
export interface SchemaInit {
  /** CREATE KEYSPACE's map, such as `{ class: "NetworkTopologyStrategy", dc1: 3 }`. Used only if the keyspace is new. */
  readonly replication: Readonly<Record<string, string | number>>;
  /** Number of partitions per list: a power of two, at most 65,536. @defaultValue 2 */
  readonly shards?: number | undefined;
  /**
   * Whether clients in several data centres use the keyspace. If not, all must be in this client's, and consistency is
   * LOCAL_QUORUM; with several it is QUORUM. @defaultValue false
   */
  readonly severalDataCenters?: boolean | undefined;
  /**
   * How old the completed versions are that a sweep covers, in milliseconds; a save whose answer takes longer than half of
   * it does not count. At least 20,000. @defaultValue 60,000
   */
  readonly gracePeriod?: number | undefined;
  /** Deadline for creating all of it, in milliseconds. @defaultValue 60,000 */
  readonly deadline?: number | undefined;
}

/** The schema that is wanted. */
export interface SchemaOptions {
  readonly keyspace: string;
  readonly replication: SchemaInit["replication"];
  readonly settings: LedgerSettings;
}

/** The schema that is asked for, by a client in this data centre. Throws INVALID_ARGUMENT. */
export function resolveSchema(asked: SchemaInit & { readonly keyspace: string }, dataCenter: string): SchemaOptions {
  const { keyspace, replication, severalDataCenters } = asked;
  const { shards = DEFAULT_SHARDS, gracePeriod = DEFAULT_GRACE_PERIOD } = asked;
  checkKeyspaceName(keyspace);
  if (!isPlainObject(replication) || typeof replication.class !== "string")
    throw invalidArgument("replication", 'a map such as { class: "NetworkTopologyStrategy", dc1: 3 }', replication);
  if (!isShardCount(shards)) throw invalidArgument("shards", `a power of two up to ${MAX_SHARDS}`, shards);
  checkGracePeriod(gracePeriod);
  const settings = { shards, dataCenter: severalDataCenters ? SEVERAL_DATA_CENTERS : dataCenter, gracePeriod };
  return { keyspace, replication, settings };
}

export function checkKeyspaceName(keyspace: unknown): void {
  if (typeof keyspace === "string" && /^\w{1,48}$/.test(keyspace)) return;
  throw invalidArgument("keyspace", "1 to 48 letters, digits and underscores", keyspace);
}

/** The key of a partition of a list. */
const partition = { task_list: "text partition_key 0", shard: "int partition_key 1" };

/** Each column's type, kind, and position in its key. */
export const tables: Record<string, Record<string, string>> = {
  tasks: { ...partition, id: "text clustering 0 asc", body: "blob regular" },
  open_tasks: {
    ...partition,
    saved_at: "bigint clustering 0 asc",
    id: "text clustering 1 asc",
    size: "int regular",
  },
  sweeps: { ...partition, swept_to: "bigint regular", ranges: "frozen<list<bigint>> regular" },
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

/** The first major release that has UnifiedCompactionStrategy. */
const UNIFIED_COMPACTION = 5;

/** The CQL that creates a keyspace and its tables. */
export function creation({ keyspace, replication }: SchemaOptions, major: number): string[] {
  const quote = (text: string | number) => `'${String(text).replaceAll("'", "''")}'`;
  const map = Object.entries(replication).map(([name, value]) => `${quote(name)}: ${quote(value)}`);
  const create = ([name, columns]: [string, Record<string, string>]) => {
    const isUnified = major >= UNIFIED_COMPACTION && name !== "settings";
    const options = isUnified ? " WITH compaction = {'class': 'UnifiedCompactionStrategy'}" : "";
    return `CREATE TABLE IF NOT EXISTS "${keyspace}".${name} (${columnsOf(columns)})${options}`;
  };
  const keyspaces = `CREATE KEYSPACE IF NOT EXISTS "${keyspace}" WITH replication = {${map.join(", ")}}`;
  return [keyspaces, ...Object.entries(tables).map(create)];
}

/** Those of a key are listed in its order. */
function columnsOf(columns: Readonly<Record<string, string>>): string {
  const all = Object.entries(columns).map(([name, described]) => [name, ...described.split(" ")]);
  const namesOf = (kind: string) => all.filter((column) => column[2] === kind).map(([name]) => name);
  const key = [`(${namesOf("partition_key").join(", ")})`, ...namesOf("clustering")];
  return [...all.map(([name, type]) => `${name} ${type}`), `PRIMARY KEY (${key.join(", ")})`].join(", ");
}

/** The CQL that creates all of it on Cassandra 5, for people who apply it themselves. */
export function describeSchema(schema: SchemaOptions): string {
  const rows = Object.entries(settingRows(schema.settings)).map(
    ([name, value]) =>
      `INSERT INTO "${schema.keyspace}".settings (name, value) VALUES ('${name}', '${value}') IF NOT EXISTS`,
  );
  return [...creation(schema, UNIFIED_COMPACTION), ...rows].map((statement) => `${statement};\n`).join("");
}
