import type { Client, types } from "cassandra-driver";
import { creation, type SchemaOptions, settingRows } from "./schema.js";
import { checkSchema, checkWhatIsThere, compareSettings, mismatch } from "./schema-check.js";

/**
 * Makes the keyspace, the tables and the settings that are not there yet; changes and drops nothing. Throws
 * SCHEMA_MISMATCH where what is there differs.
 */
export async function createSchema(
  client: Client,
  consistency: types.consistencies,
  options: SchemaOptions,
): Promise<void> {
  const { keyspace, replication, settings } = options;
  await checkWhatIsThere(client, consistency, options);
  const major = Number.parseInt(await releaseVersion(client), 10);
  for (const statement of creation(keyspace, replication, major)) await client.execute(statement);
  for (const [name, value] of Object.entries(settingRows(settings)))
    await insertSetting(client, consistency, keyspace, name, value);
  const found = await checkSchema(client, consistency, keyspace);
  const differences = compareSettings(settingRows(settings), settingRows(found));
  if (differences.length > 0) throw mismatch(keyspace, differences);
}

/**
 * By a lightweight transaction: of two hosts that make a schema at once, the one whose setting is there first decides, and
 * the other stops at it, before it settles anything else.
 */
async function insertSetting(
  client: Client,
  consistency: types.consistencies,
  keyspace: string,
  name: string,
  value: string,
): Promise<void> {
  const insert = `INSERT INTO "${keyspace}".settings (name, value) VALUES (?, ?) IF NOT EXISTS`;
  const result = await client.execute(insert, [name, value], { prepare: true, consistency });
  const differences = result.wasApplied() ? [] : compareSettings({ [name]: value }, { [name]: result.first().value });
  if (differences.length > 0) throw mismatch(keyspace, differences);
}

export async function releaseVersion(client: Client): Promise<string> {
  const { rows } = await client.execute("SELECT release_version FROM system.local");
  return String(rows[0]?.release_version);
}
