import type { Client, ClientOptions } from "cassandra-driver";
import type { Finding } from "../../adapter/adapter.js";
import { checkDuration, checkOptions } from "../../core/arguments.js";
import { isTaskError, TaskError } from "../../core/errors.js";
import { importDriver } from "../../core/import-driver.js";
import type { ResolvedOptions } from "./arguments.js";
import { diagnose } from "./diagnosis.js";
import { Caller, callDriver } from "./driver/caller.js";
import { makeClient } from "./driver/client.js";
import { type Driver, toSessionError } from "./driver/errors.js";
import { internalsOf } from "./driver/internals.js";
import { warnOfRisks } from "./driver/security-warnings.js";
import { DriverSession } from "./driver/session.js";
import { leaveStreamZero, refreshOnce } from "./driver/workarounds.js";
import type { ClaimSession, LedgerSession, ListSession } from "./model/session.js";
import { type LedgerSettings, SEVERAL_DATA_CENTERS } from "./model/settings.js";
import { isRetried, retryAttempts, toTaskError } from "./retry.js";
import { processRuntime } from "./runtime.js";
import { checkFits, checkSchema } from "./schema/check.js";
import { createSchema } from "./schema/create.js";
import { watchSettings } from "./schema/settings-guard.js";
import { resolveSchema, type SchemaInit } from "./schema/tables.js";

/** How Cassandra is reached: by a client that the user made and will shut down, or by the driver's options for one. */
export type CassandraConnectionOptions = {
  /** The keyspace of the ledger: 1 to 48 letters, digits and underscores. */
  readonly keyspace: string;
} & (
  | {
      /** A client of cassandra-driver; `close` does not shut it down. */
      readonly client: Client;
    }
  | (Omit<ClientOptions, "keyspace" | "sslOptions"> & {
      /** Not together with the driver's options. */
      readonly client?: undefined;
      /**
       * Encrypts connections, by the options of Node's `tls.connect`; `{}` is enough where Node.js trusts the authority of the
       * nodes' certificates, `{ ca }` names another. Unlike with cassandra-driver alone, certificates and names are verified,
       * unless `rejectUnauthorized` is false. Connections are not encrypted by default.
       */
      readonly sslOptions?: ClientOptions["sslOptions"] | undefined;
    })
);

/** In milliseconds. A new cluster of three nodes on a busy machine takes up to ten seconds. */
const SCHEMA_DEADLINE = 60_000;

/** How Cassandra is reached, and the schema that is created. */
export type CreateSchemaOptions = CassandraConnectionOptions & SchemaInit;

/** A keyspace whose schema has been checked. */
export interface Connection {
  readonly session: LedgerSession & ClaimSession & ListSession;
  readonly settings: LedgerSettings;
  diagnose(): Promise<Finding[]>;
  close(): Promise<void>;
}

/**
 * Connects, and checks the schema. Reads are retried until the deadline, which includes connecting: a node may just have been
 * lost while the others still think that it is up. Throws MISSING_DRIVER, UNAVAILABLE, TIMEOUT, INVALID_ARGUMENT,
 * SCHEMA_MISMATCH.
 */
export async function connect(options: CassandraConnectionOptions, ledger: ResolvedOptions): Promise<Connection> {
  const { keyspace } = options;
  const { deadline } = ledger.policy;
  const timeout = Math.min(ledger.policy.attemptTimeout, deadline);
  const end = processRuntime.monotonic() + deadline;
  return withClient(timely(options, timeout), deadline, async (client, driver, close) => {
    const { localQuorum, quorum, localSerial, serial } = driver.types.consistencies;
    const local = new Caller({ client, driver, keyspace, consistency: localQuorum });
    const read = async (within: number) => ({
      settings: await checkSchema(local, within),
      dataCenter: await dataCenterOf(client, within),
    });
    const policy = { attemptTimeout: timeout, deadline: end - processRuntime.monotonic() };
    const { settings, dataCenter } = await retryAttempts(processRuntime, policy, undefined, (within) =>
      callDriver(driver, within, () => read(within)),
    ).catch((error) => {
      throw isRetried(error) ? toTaskError(error) : error; // the other kinds tell of wrong options
    });
    leaveStreamZero(client); // a user's may have had no connection before
    checkFits(keyspace, settings, dataCenter, ledger);
    const isLocal = settings.dataCenter !== SEVERAL_DATA_CENTERS;
    const consistency = isLocal ? localQuorum : quorum;
    const common = { client, driver, keyspace, consistency, serialConsistency: isLocal ? localSerial : serial };
    const { guard, stop } = watchSettings(new Caller(common), settings, ledger.clock.interval, timeout);
    const caller = new Caller({ ...common, guard });
    const session = new DriverSession(caller);
    return {
      session,
      settings,
      diagnose: () =>
        callDriver(driver, deadline, () =>
          diagnose({ caller, settings, clockLimit: ledger.clock.limit, session, timeout }),
        ).catch((error) => {
          throw toTaskError(error);
        }),
      close: () => {
        stop();
        return close();
      },
    };
  });
}

/** With a timeout for each contact point: one that accepts a connection and never answers would delay the next by 12 seconds. */
function timely(options: CassandraConnectionOptions, attemptTimeout: number): CassandraConnectionOptions {
  if (options.client) return options;
  const socketOptions = { connectTimeout: attemptTimeout, readTimeout: attemptTimeout, ...options.socketOptions };
  return { ...options, socketOptions };
}

export async function createSchemaWith(options: CreateSchemaOptions): Promise<void> {
  checkOptions(options);
  resolveSchema(options, ""); // refuses what is wrong before it connects
  const { deadline = SCHEMA_DEADLINE } = options;
  checkDuration("deadline", deadline, 1);
  const end = processRuntime.monotonic() + deadline;
  await withClient(options, deadline, async (client, driver, close) => {
    const dataCenter = await dataCenterOf(client, deadline);
    await createSchema(client, driver, resolveSchema(options, dataCenter), end);
    await close();
  });
}

/** Connects, within `timeout` milliseconds. A client that is made here is shut down by `close`, and if `use` fails. */
async function withClient<T>(
  options: CassandraConnectionOptions,
  timeout: number,
  use: (client: Client, driver: Driver, close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const module = await importDriver("cassandra-driver", () => import("cassandra-driver"));
  const driver = module.default as unknown as Driver;
  const client = options.client ?? makeOwnClient(options, driver);
  refreshOnce(client);
  warnOfRisks(client);
  const connecting = client.connect();
  try {
    await callDriver(driver, timeout, () => connecting);
    leaveStreamZero(client);
    warnOfRisks(client); // also about discovered nodes
    return await use(client, driver, async () => {
      if (!options.client) await client.shutdown();
    });
  } catch (error) {
    // Not awaited: an unresponsive node will not acknowledge the shutdown.
    if (!options.client) void abandon(client, connecting);
    throw connectionError(error, driver);
  }
}

/** Shuts down a client that may not be connected yet. */
async function abandon(client: Client, connecting: Promise<void>): Promise<void> {
  await connecting.catch(() => undefined);
  await client.shutdown().catch(() => undefined);
  // If connecting fails, cassandra-driver 4.10 leaves this open, and the process can't end.
  internalsOf(client).controlConnection?.connection?.close?.(() => undefined);
}

/** Without the keyspace, which each statement names: the driver would select it at once, and it may not exist. */
function makeOwnClient({ keyspace, client, ...options }: CassandraConnectionOptions, driver: Driver): Client {
  try {
    return makeClient(options as ClientOptions, driver);
  } catch (error) {
    throw connectionError(error, driver);
  }
}

function connectionError(error: unknown, driver: Driver): TaskError {
  const known = toSessionError(error, driver);
  if (isTaskError(known)) return known;
  const { kind, message, cause } = known;
  if (kind === "refused")
    return new TaskError("INVALID_ARGUMENT", `Cassandra can't be used this way: ${message}`, {
      field: "options",
      cause,
    });
  const code = kind === "timeout" ? "TIMEOUT" : "UNAVAILABLE";
  return new TaskError(code, `Cassandra can't be reached: ${message}`, { cause });
}

/** The data centre of the coordinator; the driver uses only coordinators of its own. */
async function dataCenterOf(client: Client, readTimeout: number): Promise<string> {
  const { rows } = await client.execute("SELECT data_center FROM system.local", [], { readTimeout });
  return String(rows[0]?.data_center);
}
