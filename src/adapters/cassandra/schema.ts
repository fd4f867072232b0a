import type { Client, types } from "cassandra-driver";
import { describeValue, TaskError } from "../../errors.js";
import { isShardCount, MAX_SHARDS } from "./shard.js";

/** Counts changes of the tables that older versions of this package can't work with. */
const LAYOUT = "1";

/** The value of `data_center` for a keyspace whose clients are in several. */
export const SEVERAL_DATA_CENTERS = "*";

const SETTING_NAMES = ["layout", "shards", "data_center"];

/** What is settled when a keyspace's tables are made, and holds for all of its clients. */
export interface LedgerSettings {
  readonly shards: number;
  /** The data centre of all clients, or `*` for several. */
  readonly dataCenter: string;
}

export interface SchemaOptions {
  readonly keyspace: string;
  /** CREATE KEYSPACE's map, such as `{ class: "NetworkTopologyStrategy", dc1: 3 }`. Used only if the keyspace is new. */
  readonly replication: Readonly<Record<string, string | number>>;
  readonly settings: LedgerSettings;
}

/** Each column's type, kind, and position in its key. */
const tables: Record<string, Record<string, string>> = {
  tasks: {
    task_list: "text partition_key 0",
    shard: "int partition_key 1",
    id: "text clustering 0 asc",
    saved_at: "bigint regular",
    type: "text regular",
    envelope: "blob regular",
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
    stretches: "frozen<list<bigint>> regular",
  },
  settings: { name: "text partition_key 0", value: "text regular" },
};

/**
 * Makes the keyspace, the tables and the settings that are not there yet; changes and drops nothing. Throws
 * SCHEMA_MISMATCH where what is there differs.
 */
export async function createSchema(client: Client, quorum: types.consistencies, options: SchemaOptions): Promise<void> {
  checkKeyspaceName(options.keyspace);
  const { keyspace, replication, settings } = options;
  if (!isShardCount(settings.shards))
    throw new TaskError(
      "INVALID_ARGUMENT",
      `shards: expected a power of two up to ${MAX_SHARDS}, got ${settings.shards}`,
      {
        field: "shards",
      },
    );
  const major = Number.parseInt(await releaseVersion(client), 10);
  for (const statement of creation(keyspace, replication, major)) await client.execute(statement);
  // Lightweight transactions, so that of two hosts that make a schema at once one decides.
  const insert = `INSERT INTO "${keyspace}".settings (name, value) VALUES (?, ?) IF NOT EXISTS`;
  for (const [name, value] of Object.entries(toRows(settings)))
    await client.execute(insert, [name, value], { prepare: true, consistency: quorum });
  const found = await checkSchema(client, quorum, keyspace);
  const differences = compare(toRows(settings), toRows(found));
  if (differences.length > 0) throw mismatch(keyspace, differences);
}

/** The CQL that makes a keyspace's tables, for people who apply it themselves. */
export function creation(keyspace: string, replication: SchemaOptions["replication"], major: number): string[] {
  const compaction = major >= 5 ? " WITH compaction = {'class': 'UnifiedCompactionStrategy'}" : "";
  const map = Object.entries(replication).map(([name, value]) => `${quote(name)}: ${quote(String(value))}`);
  return [
    `CREATE KEYSPACE IF NOT EXISTS "${keyspace}" WITH replication = {${map.join(", ")}}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".tasks (task_list text, shard int, id text, saved_at bigint, type text, ` +
      `envelope blob, PRIMARY KEY ((task_list, shard), id))${compaction}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".open_tasks (task_list text, shard int, saved_at bigint, id text, size int, ` +
      `PRIMARY KEY ((task_list, shard), saved_at, id))${compaction}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".sweeps (task_list text, shard int, swept_to bigint, ` +
      `stretches frozen<list<bigint>>, PRIMARY KEY ((task_list, shard)))${compaction}`,
    `CREATE TABLE IF NOT EXISTS "${keyspace}".settings (name text PRIMARY KEY, value text)`,
  ];
}

/** Reads the settings of a keyspace. Throws SCHEMA_MISMATCH that says what of the tables or settings is not as it must be. */
export async function checkSchema(
  client: Client,
  quorum: types.consistencies,
  keyspace: string,
  timeout?: number,
): Promise<LedgerSettings> {
  const limits = timeout === undefined ? {} : { readTimeout: timeout };
  const options = { prepare: true, consistency: quorum, isIdempotent: true, ...limits };
  const columns = await client.execute(
    "SELECT table_name, column_name, type, kind, position, clustering_order FROM system_schema.columns WHERE keyspace_name = ?",
    [keyspace],
    options,
  );
  const differences = compareColumns(columns.rows);
  if (columns.rows.length === 0) throw missing(keyspace);
  if (differences.length > 0) throw mismatch(keyspace, differences);
  const repair = await client.execute(
    "SELECT table_name, read_repair FROM system_schema.tables WHERE keyspace_name = ?",
    [keyspace],
    options,
  );
  for (const { table_name, read_repair } of repair.rows)
    if (table_name in tables && read_repair !== "BLOCKING")
      differences.push(`table ${table_name}: read_repair is ${read_repair}, and must be BLOCKING`);
  // By their names: where a replica does not answer, Cassandra asks another for a row, but not for a whole table.
  const rows = await client.execute(
    `SELECT name, value FROM "${keyspace}".settings WHERE name IN ?`,
    [SETTING_NAMES],
    options,
  );
  const found = Object.fromEntries(rows.rows.map(({ name, value }) => [name, value])) as Record<string, string>;
  const { layout, shards, data_center } = found;
  if (layout !== LAYOUT) differences.push(`setting layout: is ${describeValue(layout)}, and must be "${LAYOUT}"`);
  if (!isShardCount(Number(shards))) differences.push(`setting shards: ${describeValue(shards)} is no power of two`);
  if (!data_center) differences.push("setting data_center: is missing");
  if (differences.length > 0) throw mismatch(keyspace, differences);
  return { shards: Number(shards), dataCenter: data_center as string };
}

/** Throws SCHEMA_MISMATCH where the client is not in the data centre that the keyspace was made for. */
export function checkDataCenter(keyspace: string, { dataCenter }: LedgerSettings, own: string): void {
  if (dataCenter === SEVERAL_DATA_CENTERS || dataCenter === own) return;
  throw mismatch(keyspace, [
    `its clients must all be in data centre ${describeValue(dataCenter)}, and this one is in ${describeValue(own)} ` +
      "(a keyspace made with several data centres in mind uses QUORUM)",
  ]);
}

export function checkKeyspaceName(keyspace: unknown): void {
  if (typeof keyspace === "string" && /^\w{1,48}$/.test(keyspace)) return;
  const message = `keyspace: expected 1 to 48 letters, digits and underscores, got ${describeValue(keyspace)}`;
  throw new TaskError("INVALID_ARGUMENT", message, { field: "keyspace" });
}

export async function releaseVersion(client: Client): Promise<string> {
  const { rows } = await client.execute("SELECT release_version FROM system.local");
  return String(rows[0]?.release_version);
}

function toRows({ shards, dataCenter }: LedgerSettings): Record<string, string> {
  return { layout: LAYOUT, shards: String(shards), data_center: dataCenter };
}

function compare(expected: Record<string, string>, found: Record<string, string>): string[] {
  return Object.entries(expected)
    .filter(([name, value]) => found[name] !== value)
    .map(
      ([name, value]) => `setting ${name}: is ${describeValue(found[name])}, and ${describeValue(value)} was asked for`,
    );
}

function compareColumns(rows: readonly types.Row[]): string[] {
  const found = new Map(rows.map((row) => [`${row.table_name}.${row.column_name}`, describeColumn(row)]));
  return Object.entries(tables).flatMap(([table, columns]) =>
    Object.entries(columns)
      .filter(([column, type]) => found.get(`${table}.${column}`) !== type)
      .map(([column, type]) => {
        const actual = found.get(`${table}.${column}`);
        return `column ${table}.${column}: ${actual ? `is ${actual}, and must be ${type}` : `is missing; it must be ${type}`}`;
      }),
  );
}

function describeColumn({ type, kind, position, clustering_order }: types.Row): string {
  if (kind === "regular") return `${type} ${kind}`;
  return kind === "clustering" ? `${type} ${kind} ${position} ${clustering_order}` : `${type} ${kind} ${position}`;
}

function missing(keyspace: string): TaskError {
  const advice = "make it with CassandraAdapter.createSchema({ …, keyspace, replication })";
  return new TaskError("SCHEMA_MISMATCH", `keyspace "${keyspace}" has no tables: ${advice}`, { field: "keyspace" });
}

function mismatch(keyspace: string, differences: readonly string[]): TaskError {
  return new TaskError("SCHEMA_MISMATCH", `keyspace "${keyspace}": ${differences.join("; ")}`, { field: "keyspace" });
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
