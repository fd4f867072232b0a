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

/** Reads the settings of a keyspace. Throws SCHEMA_MISMATCH with what is wrong in the tables or settings. */
export async function checkSchema(caller: Caller, timeout: number): Promise<LedgerSettings> {
  const { keyspace } = caller;
  const columns = await readColumns(caller, timeout);
  if (columns.length === 0) throw missing(keyspace);
  const ofTables = Object.keys(tables).flatMap((table) => compareColumns(table, columns));
  refuse(keyspace, ofTables);
  const wrong = await findWrongOptions(caller, timeout);
  const found = await readSettings(caller, timeout);
  refuse(keyspace, [...wrong, ...findWrongSettings(found)]);
  const { shards, data_center: dataCenter, grace_period } = found;
  const gracePeriod = parseGracePeriod(grace_period) as number;
  return { shards: Number(shards), dataCenter: dataCenter as string, gracePeriod };
}

function findWrongSettings({ layout, shards, data_center, grace_period }: Record<string, string>): string[] {
  const wrong: string[] = [];
  if (layout !== LAYOUT) wrong.push(`setting layout: is ${describeValue(layout)}, and must be "${LAYOUT}"`);
  if (!isShardCount(Number(shards))) wrong.push(`setting shards: ${describeValue(shards)} is no power of two`);
  if (!data_center) wrong.push("setting data_center: is missing");
  if (!grace_period) wrong.push("setting grace_period: is missing; createSchema writes it");
  else if (parseGracePeriod(grace_period) === undefined)
    wrong.push(
      `setting grace_period: ${describeValue(grace_period)} is no whole number of milliseconds from 1 to ${MAX_DURATION}`,
    );
  return wrong;
}

/** Throws SCHEMA_MISMATCH if the client is not in the data centre that the keyspace was created for. */
export function checkDataCenter(keyspace: string, { dataCenter }: LedgerSettings, own: string): void {
  if (dataCenter === SEVERAL_DATA_CENTERS || dataCenter === own) return;
  throw schemaMismatch(keyspace, [
    `its clients must all be in data centre ${describeValue(dataCenter)}, and this one is in ${describeValue(own)} ` +
      "(a keyspace that was created with severalDataCenters uses QUORUM)",
  ]);
}

/** Throws SCHEMA_MISMATCH if the client can't work with the keyspace's grace period, or expects another. */
export function checkGracePeriodFits(
  keyspace: string,
  { gracePeriod }: LedgerSettings,
  { gracePeriod: expected, clock }: Pick<ResolvedOptions, "gracePeriod" | "clock">,
): void {
  const least = leastGracePeriod(clock.limit);
  if (gracePeriod < least)
    throw schemaMismatch(keyspace, [
      `setting grace_period: is "${gracePeriod}", and must be at least ${least}, 20 times this client's clockLimit`,
    ]);
  if (expected !== undefined && expected !== gracePeriod)
    throw schemaMismatch(keyspace, [
      `its grace period is ${gracePeriod} ms, the same for all clients, and this one's option gracePeriod is ${expected} ms: give ` +
        `${gracePeriod}, or leave the option out; docs/cassandra.md says how to change the keyspace's`,
    ]);
}

/** Throws SCHEMA_MISMATCH if a keyspace no longer has the settings that it was opened with. */
export async function checkUnchanged(
  caller: Caller,
  settings: LedgerSettings,
  timeout: number,
  options: QueryOptions,
): Promise<void> {
  const found = await readSettings(caller, timeout, options);
  const differences = compareSettings(settingRows(settings), found, (is, was) => `was ${was}, and is ${is}`);
  if (differences.length > 0) throw changed(caller.keyspace, differences.join("; "));
}

/**
 * Compares what exists with what is asked for: a keyspace of that name may have tables of another program, or other settings.
 * Returns whether everything exists. Throws SCHEMA_MISMATCH.
 */
export async function checkWhatIsThere(caller: Caller, schema: SchemaOptions, timeout: number): Promise<boolean> {
  const { keyspace, replication, settings } = schema;
  const differences = compareReplication(replication, await readReplication(caller, timeout));
  const columns = await readColumns(caller, timeout);
  const isThere = (table: string) => columns.some(({ table_name }) => table_name === table);
  const names = Object.keys(tables);
  refuse(keyspace, [...differences, ...names.filter(isThere).flatMap((table) => compareColumns(table, columns))]);
  const wrong = await findWrongOptions(caller, timeout);
  const found = isThere("settings") ? await readSettings(caller, timeout) : {};
  const asked = Object.entries(settingRows(settings)).filter(([name]) => name in found);
  refuse(keyspace, [...wrong, ...compareSettings(Object.fromEntries(asked), found)]);
  return names.every(isThere) && SETTING_NAMES.every((name) => name in found);
}

/** Those that exist. */
async function readSettings(
  caller: Caller,
  timeout: number,
  options: QueryOptions = {},
): Promise<Record<string, string>> {
  // By their names: where a replica does not answer, Cassandra asks another for a row, but not for a whole table.
  const names = SETTING_NAMES.map((name) => `'${name}'`).join(", ");
  const query = `SELECT name, value FROM "${caller.keyspace}".settings WHERE name IN (${names})`;
  const { rows } = await caller.read(query, [], timeout, options);
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** Returns undefined if there is no such keyspace. */
export async function readReplication(caller: Caller, timeout: number): Promise<Record<string, string> | undefined> {
  const query = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";
  return (await caller.read(query, [caller.keyspace], timeout)).rows[0]?.replication;
}

function compareReplication(wanted: SchemaOptions["replication"], found: Record<string, string> | undefined): string[] {
  if (found === undefined) return [];
  // Cassandra keeps the class's full name, and `replication_factor` as a factor for each data centre.
  const { class: strategy, ...factors } = wanted;
  const isSpread = strategy === "NetworkTopologyStrategy" && "replication_factor" in factors;
  const names = isSpread ? [] : [...new Set([...Object.keys(factors), ...Object.keys(found)])];
  const differs = (name: string) =>
    name === "class" ? found.class?.split(".").at(-1) !== strategy : found[name] !== String(factors[name]);
  return [...new Set(["class", ...names])].filter(differs).map((name) => {
    const [is, asked] = [found[name], wanted[name]].map((value) => describeValue(value));
    return `replication ${name}: is ${is}, and ${asked} was asked for`;
  });
}

async function readColumns(caller: Caller, timeout: number): Promise<readonly types.Row[]> {
  const columns = "table_name, column_name, type, kind, position, clustering_order";
  const query = `SELECT ${columns} FROM system_schema.columns WHERE keyspace_name = ?`;
  return (await caller.read(query, [caller.keyspace], timeout)).rows;
}

function compareColumns(table: string, rows: readonly types.Row[]): string[] {
  const own = rows.filter(({ table_name }) => table_name === table);
  if (own.length === 0) return [`table ${table} is missing; createSchema makes it`];
  const found = new Map(own.map((row) => [row.column_name as string, describeColumn(row)]));
  return Object.entries(tables[table] as Record<string, string>)
    .filter(([column, type]) => found.get(column) !== type)
    .map(([column, type]) => {
      const actual = found.get(column);
      return `column ${table}.${column}: ${actual ? `is ${actual}, and must be ${type}` : `is missing; it must be ${type}`}`;
    });
}

function describeColumn({ type, kind, position, clustering_order }: types.Row): string {
  if (kind === "regular") return `${type} ${kind}`;
  return kind === "clustering" ? `${type} ${kind} ${position} ${clustering_order}` : `${type} ${kind} ${position}`;
}

/** As long as hints are kept by default, in seconds: a deletion must outlive the writes that are in flight to a replica. */
const LEAST_GC_GRACE = 3 * 3600;

/** Options of the tables that would lose tasks, or bring them back. */
async function findWrongOptions(caller: Caller, timeout: number): Promise<string[]> {
  const options = "table_name, read_repair, default_time_to_live, gc_grace_seconds";
  const query = `SELECT ${options} FROM system_schema.tables WHERE keyspace_name = ?`;
  const { rows } = await caller.read(query, [caller.keyspace], timeout);
  return rows.filter(({ table_name }) => table_name in tables).flatMap(findWrong);
}

function findWrong({ table_name, read_repair, default_time_to_live, gc_grace_seconds }: types.Row): string[] {
  const found: string[] = [];
  if (read_repair !== "BLOCKING") found.push(`read_repair is ${read_repair}, and must be BLOCKING`);
  if (default_time_to_live !== 0)
    found.push(`default_time_to_live is ${default_time_to_live}, and must be 0: tasks would expire`);
  if (gc_grace_seconds < LEAST_GC_GRACE)
    found.push(`gc_grace_seconds is ${gc_grace_seconds}, and must be at least ${LEAST_GC_GRACE}`);
  return found.map((difference) => `table ${table_name}: ${difference}`);
}

export function compareSettings(
  expected: Record<string, string>,
  found: Record<string, string>,
  describe = (is: string, asked: string) => `is ${is}, and ${asked} was asked for`,
): string[] {
  return Object.entries(expected)
    .filter(([name, value]) => found[name] !== value)
    .map(([name, value]) => `setting ${name}: ${describe(describeValue(found[name]), describeValue(value))}`);
}

function missing(keyspace: string): TaskError {
  const advice = "make it with CassandraAdapter.createSchema({ …, keyspace, replication })";
  return new TaskError("SCHEMA_MISMATCH", `keyspace "${keyspace}" has no tables: ${advice}`, { field: "keyspace" });
}

/** SCHEMA_MISMATCH for clients that had the keyspace open. */
export function changed(keyspace: string, how: string): TaskError {
  return schemaMismatch(keyspace, [
    `it was created again, or changed, since it was opened: ${how}; open it with a new adapter`,
  ]);
}

/** Throws SCHEMA_MISMATCH if there are differences. */
export function refuse(keyspace: string, differences: readonly string[]): void {
  if (differences.length > 0) throw schemaMismatch(keyspace, differences);
}

function schemaMismatch(keyspace: string, differences: readonly string[]): TaskError {
  return new TaskError("SCHEMA_MISMATCH", `keyspace "${keyspace}": ${differences.join("; ")}`, { field: "keyspace" });
}
