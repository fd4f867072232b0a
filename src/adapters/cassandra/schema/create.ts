import type { Client } from "cassandra-driver";
import { TaskError } from "../../../core/errors.js";
import { Caller, callDriver } from "../driver/caller.js";
import { type Driver, isUnknownToNode } from "../driver/errors.js";
import { SessionError } from "../model/session.js";
import { settingRows } from "../model/settings.js";
import { backOff, isRetried } from "../retry.js";
import { processRuntime } from "../runtime.js";
import { untilAgreed, untilSettled } from "./agreement.js";
import { checkWhatIsThere, compareSettings, refuse } from "./check.js";
import { creation, type SchemaOptions } from "./tables.js";

/** Timeout of one statement, including the driver's own wait for agreement, in milliseconds. */
const ATTEMPT_TIMEOUT = 30_000;

/**
 * Creates the keyspace, the tables and the settings that do not exist; changes and drops nothing. If a step fails because a
 * node does not know the schema yet, or was lost, it is retried until `end`, on the process's monotonic clock. Throws
 * SCHEMA_MISMATCH if what exists differs, and TIMEOUT.
 */
export async function createSchema(client: Client, driver: Driver, schema: SchemaOptions, end: number): Promise<void> {
  const { keyspace } = schema;
  const caller = new Caller({ client, driver, keyspace, consistency: driver.types.consistencies.localQuorum });
  const step = <T>(work: (timeout: number) => Promise<T>) => persist(caller, end, work);
  const isThere = () => step((timeout) => checkWhatIsThere(caller, schema, timeout));
  if (await isThere()) return;
  await untilSettled(client, end);
  const major = Number.parseInt(await step((timeout) => readRelease(caller, timeout)), 10);
  for (const statement of creation(schema, major)) await step((timeout) => change(caller, statement, timeout));
  if (!(await untilAgreed(client, end))) throw tooLate(keyspace, "the nodes do not agree on it");
  for (const [name, value] of Object.entries(settingRows(schema.settings)))
    await step((timeout) => insertSetting(caller, name, value, timeout));
  // Another program may have made tables meanwhile.
  if (!(await isThere())) throw tooLate(keyspace, "a node does not know all of it");
}

/**
 * Retries a step until it succeeds. Before each retry, all nodes must know the schema so far: two coordinators that
 * both find a table missing would create it twice.
 */
async function persist<T>(caller: Caller, end: number, work: (timeout: number) => Promise<T>): Promise<T> {
  const { client, driver, keyspace } = caller;
  for (let attempt = 0; ; attempt++) {
    const timeout = Math.max(1, Math.min(ATTEMPT_TIMEOUT, end - processRuntime.monotonic()));
    try {
      return await callDriver(driver, { timeout }, () => work(timeout));
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

/** Successive changes are made by the same node, which knows the earlier ones. */
async function change(caller: Caller, statement: string, timeout: number): Promise<void> {
  const [host] = caller.client.getState().getConnectedHosts();
  const options = { prepare: false, isIdempotent: false, ...(host && { host }) };
  await caller.write(statement, [], timeout, options);
}

/**
 * By a lightweight transaction: if two hosts create a schema at once, the first to write a setting decides, and the other stops
 * before it writes any more.
 */
async function insertSetting(caller: Caller, name: string, value: string, timeout: number): Promise<void> {
  const { keyspace } = caller;
  const insert = `INSERT INTO "${keyspace}".settings (name, value) VALUES (?, ?) IF NOT EXISTS`;
  const result = await caller.write(insert, [name, value], timeout, { isIdempotent: false });
  if (!result.wasApplied()) refuse(keyspace, compareSettings({ [name]: value }, { [name]: result.first().value }));
}

async function readRelease(caller: Caller, timeout: number): Promise<string> {
  const { rows } = await caller.read("SELECT release_version FROM system.local", [], timeout);
  return String(rows[0]?.release_version);
}
