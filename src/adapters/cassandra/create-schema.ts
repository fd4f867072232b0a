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
  await checkWhatIsThere(client, options);
  const major = Number.parseInt(await releaseVersion(client), 10);
  for (const statement of creation(keyspace, replication, major)) await client.execute(statement);
  // Lightweight transactions, so that of two hosts that make a schema at once one decides.
  const insert = `INSERT INTO "${keyspace}".settings (name, value) VALUES (?, ?) IF NOT EXISTS`;
  for (const [name, value] of Object.entries(settingRows(settings)))
    await client.execute(insert, [name, value], { prepare: true, consistency });
  const found = await checkSchema(client, consistency, keyspace);
  const differences = compareSettings(settingRows(settings), settingRows(found));
  if (differences.length > 0) throw mismatch(keyspace, differences);
}

export async function releaseVersion(client: Client): Promise<string> {
  const { rows } = await client.execute("SELECT release_version FROM system.local");
  return String(rows[0]?.release_version);
}
