import type { Client } from "cassandra-driver";
import { TaskError } from "../../../core/errors.js";
import { Caller, callDriver } from "../driver/caller.js";
import { addressOf, parseContactPoint } from "../driver/contact-points.js";
import { type Driver, isUnknownToNode } from "../driver/errors.js";
import { internalsOf } from "../driver/internals.js";
import { SessionError } from "../model/session.js";
import { settingRows } from "../model/settings.js";
import { backOff, isRetried } from "../retry.js";
import { processRuntime, sleep } from "../runtime.js";
import { checkWhatIsThere, compare, refuse } from "./check.js";
import { creation, type SchemaOptions } from "./tables.js";

/** Timeout of one statement, in milliseconds. */
const ATTEMPT_TIMEOUT = 30_000;

/** Interval at which the nodes are asked what they know, in milliseconds. */
const INTERVAL = 100;

/** Maximum time to wait until the nodes of a new cluster know each other, in milliseconds. */
const SETTLE_TIMEOUT = 10_000;

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
  const { rows } = await step((timeout) => caller.read("SELECT release_version FROM system.local", [], timeout));
  const major = Number.parseInt(rows[0]?.release_version, 10);
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
async function persist<T>(
  { client, driver, keyspace }: Caller,
  end: number,
  work: (timeout: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const timeout = Math.max(1, Math.min(ATTEMPT_TIMEOUT, end - processRuntime.monotonic()));
    try {
      return await callDriver(driver, timeout, () => work(timeout));
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
  await caller.write(statement, [], timeout, { prepare: false, isIdempotent: false, ...(host && { host }) });
}

/**
 * By a lightweight transaction: if two hosts create a schema at once, the first to write a setting decides, and the other stops
 * before it writes any more.
 */
async function insertSetting(caller: Caller, name: string, value: string, timeout: number): Promise<void> {
  const { keyspace } = caller;
  const insert = `INSERT INTO "${keyspace}".settings (name, value) VALUES (?, ?) IF NOT EXISTS`;
  const result = await caller.write(insert, [name, value], timeout, { isIdempotent: false });
  if (!result.wasApplied()) refuse(keyspace, compare("setting", { [name]: value }, { [name]: result.first().value }));
}

/**
 * Waits until each node knows the others, for some seconds at most. A node tells changes of the schema to the nodes that it knows, and
 * a node that was not told learns of them up to a minute after its start.
 */
async function untilSettled(client: Client, end: number): Promise<void> {
  const given = internalsOf(client).controlConnection?.getResolvedContactPoints?.().values() ?? [];
  const contactPoints = [...given].flat().map((point) => parseContactPoint(point).host);
  await until(Math.min(end, processRuntime.monotonic() + SETTLE_TIMEOUT), async () => {
    const nodes = [...contactPoints, ...nodesUp(client)];
    return (await viewsOf(client)).every((view) => nodes.every((address) => view.has(address)));
  });
}

/** Resolves to whether all nodes come to have the same schema before `end`, on the process's monotonic clock. */
function untilAgreed(client: Client, end: number): Promise<boolean> {
  return until(end, async () => {
    const up = nodesUp(client);
    const versions = (await viewsOf(client)).flatMap((view) => up.flatMap((address) => view.get(address) ?? []));
    return new Set(versions).size <= 1;
  });
}

async function until(end: number, condition: () => Promise<boolean>): Promise<boolean> {
  // A node that was lost is no longer connected a moment later.
  while (!(await condition().catch(() => false))) {
    if (processRuntime.monotonic() + INTERVAL >= end) return false;
    await sleep(processRuntime, INTERVAL);
  }
  return true;
}

/** What each connected node says: the versions of the schema of itself and of the nodes that it knows, by their addresses. */
function viewsOf(client: Client): Promise<ReadonlyMap<string, string>[]> {
  const hosts = client.getState().getConnectedHosts();
  return Promise.all(
    hosts.map(async (host) => {
      const [local, peers] = await Promise.all([
        client.execute("SELECT schema_version FROM system.local", [], { host }),
        client.execute("SELECT rpc_address, schema_version FROM system.peers", [], { host }),
      ]);
      const view = new Map(peers.rows.map((row) => [String(row.rpc_address), String(row.schema_version)]));
      return view.set(addressOf(host), String(local.rows[0]?.schema_version));
    }),
  );
}

/** The addresses of the nodes that the client takes for running. */
function nodesUp({ hosts }: Client): string[] {
  return hosts.values().flatMap((host) => (host.isUp() ? addressOf(host) : []));
}
