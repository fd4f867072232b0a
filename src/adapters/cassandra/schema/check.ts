import type { QueryOptions, types } from "cassandra-driver";
import { MAX_DURATION } from "../../../core/arguments.js";
import { describeValue, TaskError } from "../../../core/errors.js";
import type { ResolvedOptions } from "../arguments.js";
import type { Caller } from "../driver/caller.js";
import { isShardCount } from "../model/partition.js";
import {
  LAYOUT,
  type LedgerSettings,
  leastGracePeriod,
  parseGracePeriod,
  SETTING_NAMES,
  SEVERAL_DATA_CENTERS,
  settingRows,
} from "../model/settings.js";
import { type SchemaOptions, tables } from "./tables.js";

type Settings = Readonly<Record<string, string>>;

/** What is wrong; false where nothing is. */
type Problem = string | false | undefined;

/** Throws SCHEMA_MISMATCH if there are problems. */
export function refuse(keyspace: string, problems: readonly Problem[]): void {
  const found = problems.filter(Boolean);
  if (found.length === 0) return;
  throw new TaskError("SCHEMA_MISMATCH", `keyspace "${keyspace}": ${found.join("; ")}`, { field: "keyspace" });
}

/** Reads the settings of a keyspace. Throws SCHEMA_MISMATCH with what is wrong in the tables or settings. */
export async function checkSchema(caller: Caller, timeout: number): Promise<LedgerSettings> {
  const { wrong, settings } = await readTables(caller, timeout, Object.keys(tables));
  const { layout, shards, data_center: dataCenter, grace_period } = settings;
  const gracePeriod = parseGracePeriod(grace_period);
  refuse(caller.keyspace, [
    ...wrong,
    layout !== LAYOUT && `setting layout: is ${describeValue(layout)}, and must be "${LAYOUT}"`,
    !isShardCount(Number(shards)) && `setting shards: ${describeValue(shards)} is no power of two`,
    !dataCenter && "setting data_center: is missing",
    !grace_period && "setting grace_period: is missing; createSchema writes it",
    grace_period &&
      gracePeriod === undefined &&
      `setting grace_period: ${describeValue(grace_period)} is no whole number of milliseconds from 1 to ${MAX_DURATION}`,
  ]);
  return { shards: Number(shards), dataCenter: dataCenter as string, gracePeriod: gracePeriod as number };
}

/** Throws SCHEMA_MISMATCH if a client in this data centre, with these options, can't work with the keyspace's settings. */
export function checkFits(
  keyspace: string,
  { dataCenter, gracePeriod }: LedgerSettings,
  own: string,
  { gracePeriod: expected = gracePeriod, clock }: Pick<ResolvedOptions, "gracePeriod" | "clock">,
): void {
  const least = leastGracePeriod(clock.limit);
  refuse(keyspace, [
    gracePeriod < least &&
      `setting grace_period: is "${gracePeriod}", and must be at least ${least}, 20 times this client's clockLimit`,
    gracePeriod !== expected &&
      `its grace period is ${gracePeriod} ms, the same for all clients, and this one's option gracePeriod is ${expected} ms: give ` +
        `${gracePeriod}, or leave the option out; docs/cassandra.md says how to change the keyspace's`,
    ![own, SEVERAL_DATA_CENTERS].includes(dataCenter) &&
      `its clients must all be in data centre ${describeValue(dataCenter)}, and this one is in ${describeValue(own)} ` +
        "(a keyspace that was created with severalDataCenters uses QUORUM)",
  ]);
}

/**
 * Compares what exists with what is asked for: a keyspace of that name may have tables of another program, or other settings.
 * Returns whether everything exists. Throws SCHEMA_MISMATCH.
 */
export async function checkWhatIsThere(caller: Caller, schema: SchemaOptions, timeout: number): Promise<boolean> {
  refuse(caller.keyspace, compareReplication(schema.replication, await readReplication(caller, timeout)));
  const { names, wrong, settings } = await readTables(caller, timeout);
  const asked = Object.entries(settingRows(schema.settings)).filter(([name]) => name in settings);
  refuse(caller.keyspace, [...wrong, ...compare("setting", Object.fromEntries(asked), settings)]);
  return names.length === Object.keys(tables).length && SETTING_NAMES.every((name) => name in settings);
}

/** What there is of the tables, and what is wrong with their options. */
interface Found {
  readonly names: readonly string[];
  readonly wrong: readonly Problem[];
  readonly settings: Settings;
}

/** Throws SCHEMA_MISMATCH if a table of `required` is missing, or one that exists has other columns. */
async function readTables(caller: Caller, timeout: number, required: readonly string[] = []): Promise<Found> {
  const { keyspace } = caller;
  const about = async (what: string): Promise<readonly types.Row[]> =>
    (await caller.read(`SELECT table_name, ${what} WHERE keyspace_name = ?`, [keyspace], timeout)).rows;
  const columns = await about("column_name, type, kind, position, clustering_order FROM system_schema.columns");
  if (columns.length === 0 && required.length > 0)
    refuse(keyspace, ["has no tables: make it with CassandraAdapter.createSchema({ …, keyspace, replication })"]);
  const names = Object.keys(tables).filter((table) => columns.some(({ table_name }) => table_name === table));
  refuse(keyspace, [
    ...required.map((table) => !names.includes(table) && `table ${table} is missing; createSchema makes it`),
    ...names.flatMap((table) => compareColumns(table, columns)),
  ]);
  const options = await about("read_repair, default_time_to_live, gc_grace_seconds FROM system_schema.tables");
  const wrong = options.filter(({ table_name }) => table_name in tables).flatMap(findWrongOptions);
  return { names, wrong, settings: names.includes("settings") ? await readSettings(caller, timeout) : {} };
}

function compareColumns(table: string, rows: readonly types.Row[]): Problem[] {
  const own = rows.filter(({ table_name }) => table_name === table);
  const describe = ({ type, kind, position, clustering_order }: types.Row) =>
    [type, kind, position, clustering_order].filter((part) => ![-1, "none", undefined].includes(part)).join(" ");
  const found = new Map(own.map((row) => [row.column_name as string, describe(row)]));
  return Object.entries(tables[table] as Settings).map(([column, type]) => {
    const is = found.get(column);
    return is !== type && `column ${table}.${column}: ${is ? `is ${is}, and` : "is missing; it"} must be ${type}`;
  });
}

/** As long as hints are kept by default, in seconds: a deletion must outlive the writes that are in flight to a replica. */
const LEAST_GC_GRACE = 3 * 3600;

/** Options that would lose tasks, or bring them back. */
function findWrongOptions({ table_name, read_repair, default_time_to_live, gc_grace_seconds }: types.Row): Problem[] {
  const table = `table ${table_name}:`;
  return [
    read_repair !== "BLOCKING" && `${table} read_repair is ${read_repair}, and must be BLOCKING`,
    default_time_to_live !== 0 &&
      `${table} default_time_to_live is ${default_time_to_live}, and must be 0: tasks would expire`,
    gc_grace_seconds < LEAST_GC_GRACE &&
      `${table} gc_grace_seconds is ${gc_grace_seconds}, and must be at least ${LEAST_GC_GRACE}`,
  ];
}

/** Those that exist. */
export async function readSettings(caller: Caller, timeout: number, options: QueryOptions = {}): Promise<Settings> {
  // By their names: where a replica does not answer, Cassandra asks another for a row, but not for a whole table.
  const names = SETTING_NAMES.map((name) => `'${name}'`).join(", ");
  const query = `SELECT name, value FROM "${caller.keyspace}".settings WHERE name IN (${names})`;
  const { rows } = await caller.read(query, [], timeout, options);
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** Returns undefined if there is no such keyspace. */
export async function readReplication(caller: Caller, timeout: number): Promise<Settings | undefined> {
  const query = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";
  return (await caller.read(query, [caller.keyspace], timeout)).rows[0]?.replication;
}

function compareReplication(wanted: SchemaOptions["replication"], found: Settings | undefined): Problem[] {
  if (found === undefined) return [];
  // Cassandra keeps the class's full name, and `replication_factor` as a factor for each data centre.
  const actual = { ...found, class: found.class?.split(".").at(-1) };
  const isSpread = wanted.class === "NetworkTopologyStrategy" && "replication_factor" in wanted;
  const unasked = Object.fromEntries(Object.keys(found).map((name) => [name, undefined]));
  return compare("replication", isSpread ? { class: wanted.class } : { ...unasked, ...wanted }, actual);
}

export function compare(
  what: string,
  expected: Readonly<Record<string, unknown>>,
  found: Readonly<Record<string, unknown>>,
  say = (is: string, asked: string) => `is ${is}, and ${asked} was asked for`,
): string[] {
  return Object.entries(expected)
    .filter(([name, value]) => String(found[name]) !== String(value))
    .map(([name, value]) => `${what} ${name}: ${say(describeValue(found[name]), describeValue(value))}`);
}
