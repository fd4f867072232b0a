import type { Client, ClientOptions } from "cassandra-driver";
import type { Finding } from "../../adapter/adapter.js";
import { checkDuration, checkOptions } from "../../core/arguments.js";
import { isTaskError, TaskError } from "../../core/errors.js";
import { importDriver } from "../../core/import-driver.js";
import type { ResolvedOptions } from "./arguments.js";
import { diagnose } from "./diagnosis.js";
import { Caller, callDriver } from "./driver/caller.js";
import { DriverClaimSession } from "./driver/claim-session.js";
import { classifyDriverError, type Driver, describeDriverError } from "./driver/errors.js";
import { internalsOf } from "./driver/internals.js";
import { DriverSession } from "./driver/ledger-session.js";
import { DriverListSession } from "./driver/list-session.js";
import { makeClient } from "./driver/make-client.js";
import { warnOfRisks } from "./driver/security-warnings.js";
import { refreshOnce } from "./driver/workarounds/control-connection.js";
import { leaveStreamZero } from "./driver/workarounds/stream-zero.js";
import { type ClaimSession, type LedgerSession, type ListSession, SessionError } from "./model/session.js";
import { type LedgerSettings, SEVERAL_DATA_CENTERS } from "./model/settings.js";
import { isRetried, retryAttempts, toTaskError } from "./retry.js";
import { processRuntime } from "./runtime.js";
import { checkDataCenter, checkGracePeriodFits, checkSchema } from "./schema/check.js";
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
  readonly session: LedgerSession;
  readonly claims: ClaimSession;
  readonly lists: ListSession;
  readonly diagnose: () => Promise<Finding[]>;
  readonly settings: LedgerSettings;
  close(): Promise<void>;
}

/**
 * Connects, and checks the schema. Reads are retried until the deadline, which includes connecting: a node may just have been
 * lost while the others still think that it is up. Throws MISSING_DRIVER, UNAVAILABLE,
 * TIMEOUT, INVALID_ARGUMENT, SCHEMA_MISMATCH.
 */
export async function connect(options: CassandraConnectionOptions, ledger: ResolvedOptions): Promise<Connection> {
  const { keyspace } = options;
  const { deadline } = ledger.policy;
  const timeout = Math.min(ledger.policy.attemptTimeout, deadline);
  const end = processRuntime.monotonic() + deadline;
  const driver = await loadDriver();
  return withClient(timely(options, timeout), driver, deadline, async (client, close) => {
    const { localQuorum, quorum, localSerial, serial } = driver.types.consistencies;
    const local = new Caller({ client, driver, keyspace, consistency: localQuorum });
    const read = async (within: number) => ({
      settings: await checkSchema(local, within),
      dataCenter: await dataCenterOf(client, within),
    });
    const policy = { attemptTimeout: timeout, deadline: end - processRuntime.monotonic() };
    const { settings, dataCenter } = await retryAttempts(processRuntime, policy, undefined, (within) =>
      callDriver(driver, { timeout: within }, () => read(within)),
    ).catch((error) => {
      throw isRetried(error) ? toTaskError(error) : error; // the other kinds tell of wrong options
    });
    leaveStreamZero(client); // a user's may have had no connection before
    checkGracePeriodFits(keyspace, settings, ledger);
    checkDataCenter(keyspace, settings, dataCenter);
    const several = settings.dataCenter === SEVERAL_DATA_CENTERS;
    const consistency = several ? quorum : localQuorum;
    const unguarded = new Caller({ client, driver, keyspace, consistency });
    const { guard, stop } = watchSettings(unguarded, settings, ledger.clock.interval, timeout);
    const caller = new Caller({ client, driver, keyspace, consistency, guard });
    const session = new DriverSession(caller);
    const look = () => diagnose({ caller, settings, clockLimit: ledger.clock.limit, session, timeout });
    return {
      session,
      claims: new DriverClaimSession(caller, several ? serial : localSerial),
      lists: new DriverListSession(caller),
      settings,
      diagnose: () =>
        callDriver(driver, { timeout: deadline }, look).catch((error) => {
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
  const driver = await loadDriver();
  await withClient(options, driver, deadline, async (client, close) => {
    const dataCenter = await dataCenterOf(client, deadline);
    await createSchema(client, driver, resolveSchema(options, dataCenter), end);
    await close();
  });
}

async function loadDriver(): Promise<Driver> {
  const { default: driver } = await importDriver("cassandra-driver", () => import("cassandra-driver"));
  return driver as unknown as Driver;
}

/** Connects, within `timeout` milliseconds. A client that is made here is shut down by `close`, and if `use` fails. */
async function withClient<T>(
  options: CassandraConnectionOptions,
  driver: Driver,
  timeout: number,
  use: (client: Client, close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const client = options.client ?? makeOwnClient(options, driver);
  refreshOnce(client);
  warnOfRisks(client);
  const close = async () => {
    if (!options.client) await client.shutdown();
  };
  const connecting = client.connect();
  try {
    await callDriver(driver, { timeout }, () => connecting);
    leaveStreamZero(client);
    warnOfRisks(client); // also about discovered nodes
    return await use(client, close);
  } catch (error) {
    // Not awaited: an unresponsive node will not acknowledge the shutdown.
    if (!options.client) void abandon(client, connecting);
    throw isTaskError(error) ? error : connectionError(error instanceof SessionError ? error.cause : error, driver);
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
  } catch (cause) {
    throw isTaskError(cause) ? cause : connectionError(cause, driver);
  }
}

function connectionError(cause: unknown, driver: Driver): TaskError {
  const message = describeDriverError(cause);
  const { kind } = classifyDriverError(cause, driver);
  if (kind === "refused")
    return new TaskError("INVALID_ARGUMENT", `Cassandra can't be used this way: ${message}`, {
      field: "options",
      cause,
    });
  return new TaskError(kind === "timeout" ? "TIMEOUT" : "UNAVAILABLE", `Cassandra can't be reached: ${message}`, {
    cause,
  });
}

/** The data centre of the coordinator; the driver uses only coordinators of its own. */
async function dataCenterOf(client: Client, readTimeout: number): Promise<string> {
  const { rows } = await client.execute("SELECT data_center FROM system.local", [], { readTimeout });
  return String(rows[0]?.data_center);
}
