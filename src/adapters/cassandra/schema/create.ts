import type { Client, QueryOptions, types } from "cassandra-driver";
import { TaskError } from "../../../core/errors.js";
import { callDriver } from "../driver/call.js";
import { type Driver, isUnknownToNode } from "../driver/errors.js";
import { SessionError } from "../model/session.js";
import { settingRows } from "../model/settings.js";
import { backOff, isRetried } from "../retry.js";
import { processRuntime, sleep } from "../runtime.js";
import { checkSchema, checkWhatIsThere, compareSettings, mismatch } from "./check.js";
import { creation, type SchemaOptions } from "./tables.js";

/** How long one statement may take, the driver's own wait for agreement included, in milliseconds. */
const ATTEMPT_TIMEOUT = 30_000;

/** How often it is asked whether the nodes agree, in milliseconds. */
const AGREEMENT_INTERVAL = 100;

/**
 * Makes the keyspace, the tables and the settings that are not there yet; changes and drops nothing. What fails because a
 * node has not learnt of the schema yet, or was lost, is tried again until `end`, on the process's monotonic clock. Throws
 * SCHEMA_MISMATCH where what is there differs, and TIMEOUT.
 */
export async function createSchema(client: Client, driver: Driver, options: SchemaOptions, end: number): Promise<void> {
  const { keyspace, replication, settings } = options;
  const consistency = driver.types.consistencies.localQuorum;
  const step = <T>(work: () => Promise<T>) => persist(client, driver, keyspace, end, work);
  if (await step(() => checkWhatIsThere(client, consistency, options))) return;
  const major = Number.parseInt(await step(() => releaseVersion(client)), 10);
  for (const statement of creation(keyspace, replication, major))
    await step(() => client.execute(statement, [], throughOneNode(client)));
  if (!(await untilAgreed(client, end))) throw tooLate(keyspace, "the nodes do not agree on it");
  for (const [name, value] of Object.entries(settingRows(settings)))
    await step(() => insertSetting(client, consistency, keyspace, name, value));
  const found = await step(() => checkSchema(client, consistency, keyspace));
  const differences = compareSettings(settingRows(settings), settingRows(found));
  if (differences.length > 0) throw mismatch(keyspace, differences);
}

/**
 * Does a step that may be done twice until it succeeds. Before it is done again, all nodes know what was made so far: two
 * coordinators that both find a table missing would make two of it.
 */
async function persist<T>(
  client: Client,
  driver: Driver,
  keyspace: string,
  end: number,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const timeout = Math.max(1, Math.min(ATTEMPT_TIMEOUT, end - processRuntime.monotonic()));
    try {
      return await callDriver(driver, { timeout }, work);
    } catch (error) {
      const isTransient = isRetried(error) || (error instanceof SessionError && isUnknownToNode(error.cause, driver));
      if (!isTransient) throw error;
      const goesOn = (await backOff(processRuntime, attempt, end)) && (await untilAgreed(client, end));
      if (!goesOn) throw tooLate(keyspace, error.message, error.cause);
    }
  }
}

function tooLate(keyspace: string, reason: string, cause?: unknown): TaskError {
  const message = `the schema of keyspace "${keyspace}" could not be made in time: ${reason}; trying again is safe`;
  return new TaskError("TIMEOUT", message, { outcome: "unknown", cause });
}

/** Changes that follow each other are made by one node, which knows of those before. */
function throughOneNode(client: Client): QueryOptions {
  const [host] = client.getState().getConnectedHosts();
  return host ? { host } : {};
}

/** Whether all nodes that the client is connected to come to have the same schema before `end`. */
async function untilAgreed(client: Client, end: number): Promise<boolean> {
  while (!(await doNodesAgree(client))) {
    if (processRuntime.monotonic() + AGREEMENT_INTERVAL >= end) return false;
    await sleep(processRuntime, AGREEMENT_INTERVAL);
  }
  return true;
}

/** By what each of them says of itself: of others, a node of a young cluster may know nothing yet. */
async function doNodesAgree(client: Client): Promise<boolean> {
  const query = "SELECT schema_version FROM system.local";
  const asking = client
    .getState()
    .getConnectedHosts()
    .map((host) => client.execute(query, [], { host }));
  try {
    const versions = (await Promise.all(asking)).map(({ rows }) => String(rows[0]?.schema_version));
    return new Set(versions).size <= 1;
  } catch {
    return false; // a node that was lost is no longer connected a moment later
  }
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
