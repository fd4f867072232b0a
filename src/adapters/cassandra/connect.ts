import type { Client, ClientOptions } from "cassandra-driver";
import type { Finding } from "../../adapter/adapter.js";
import { checkDuration, checkOptions } from "../../core/arguments.js";
import { isTaskError, TaskError } from "../../core/errors.js";
import { importDriver } from "../../core/import-driver.js";
import type { ResolvedOptions } from "./arguments.js";
import { diagnose } from "./diagnosis.js";
import { callDriver } from "./driver/call.js";
import { DriverClaimSession } from "./driver/claim-session.js";
import { classifyDriverError, type Driver, describeDriverError } from "./driver/errors.js";
import { DriverSession } from "./driver/ledger-session.js";
import { DriverListSession } from "./driver/list-session.js";
import { makeClient } from "./driver/make-client.js";
import { warnOfRisks } from "./driver/security-warnings.js";
import { refreshOnce } from "./driver/workarounds/control-connection.js";
import { leaveStreamZero } from "./driver/workarounds/stream-zero.js";
import type { ClaimSession } from "./model/claim-session.js";
import type { ListSession } from "./model/list-session.js";
import { DEFAULT_SHARDS } from "./model/partition.js";
import { type LedgerSession, SessionError } from "./model/session.js";
import { DEFAULT_GRACE_PERIOD, type LedgerSettings, SEVERAL_DATA_CENTERS } from "./model/settings.js";
import { retryRead } from "./retry.js";
import { processRuntime } from "./runtime.js";
import { checkDataCenter, checkGracePeriodFits, checkSchema } from "./schema/check.js";
import { createSchema } from "./schema/create.js";
import { checkSchemaOptions, type SchemaOptions } from "./schema/tables.js";
import { watchSettings } from "./schema/watch-settings.js";

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

/** Settings of a keyspace, for all of its clients, fixed when its tables are created. */
export interface SchemaInit {
  /** CREATE KEYSPACE's map, such as `{ class: "NetworkTopologyStrategy", dc1: 3 }`. Used only if the keyspace is new. */
  readonly replication: SchemaOptions["replication"];
  /** Number of partitions per list: a power of two, at most 65,536. @defaultValue 2 */
  readonly shards?: number | undefined;
  /**
   * Whether clients in several data centres use the keyspace. If not, all must be in this client's, and consistency is
   * LOCAL_QUORUM; with several it is QUORUM. @defaultValue false
   */
  readonly severalDataCenters?: boolean | undefined;
  /**
   * How old the completed versions are that a sweep covers, in milliseconds; a save whose answer takes longer than half of
   * it does not count. At least 20,000. @defaultValue 60,000
   */
  readonly gracePeriod?: number | undefined;
  /** Deadline for creating all of it, in milliseconds. @defaultValue 60,000 */
  readonly deadline?: number | undefined;
}

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
  const attemptTimeout = Math.min(ledger.policy.attemptTimeout, deadline);
  const end = processRuntime.monotonic() + deadline;
  const driver = await loadDriver();
  return withClient(timely(options, attemptTimeout), driver, deadline, async (client, close) => {
    const { localQuorum, quorum, localSerial, serial } = driver.types.consistencies;
    const read = async (timeout: number) => ({
      settings: await checkSchema(client, localQuorum, keyspace, timeout),
      dataCenter: await dataCenterOf(client, timeout),
    });
    const policy = { attemptTimeout, deadline: end - processRuntime.monotonic() };
    const { settings, dataCenter } = await retryRead(processRuntime, policy, undefined, (timeout) =>
      callDriver(driver, { timeout }, () => read(timeout)),
    );
    leaveStreamZero(client); // a user's may have had no connection before
    checkGracePeriodFits(keyspace, settings, ledger);
    checkDataCenter(keyspace, settings, dataCenter);
    const several = settings.dataCenter === SEVERAL_DATA_CENTERS;
    const consistency = several ? quorum : localQuorum;
    const session = new DriverSession(client, driver, keyspace, consistency);
    const claims = new DriverClaimSession(client, driver, keyspace, consistency, several ? serial : localSerial);
    const { interval } = ledger.clock;
    const watching = { client, driver, keyspace, settings, consistency, interval, timeout: attemptTimeout };
    const { stop, ...watched } = watchSettings(watching, session, claims);
    const closeAll = () => {
      stop();
      return close();
    };
    const lists = new DriverListSession(client, driver, keyspace, consistency);
    const readClock = () => session.readClock(attemptTimeout);
    const lookedAt = { client, keyspace, settings, runtime: processRuntime, clockLimit: ledger.clock.limit };
    const diagnosing = () =>
      callDriver(driver, { timeout: deadline }, () => diagnose({ ...lookedAt, readClock, timeout: attemptTimeout }));
    return { ...watched, lists, diagnose: diagnosing, settings, close: closeAll };
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
  const { keyspace, replication, severalDataCenters = false } = options;
  const { shards = DEFAULT_SHARDS, gracePeriod = DEFAULT_GRACE_PERIOD, deadline = SCHEMA_DEADLINE } = options;
  checkSchemaOptions(keyspace, replication, { shards, gracePeriod });
  checkDuration("deadline", deadline, 1);
  const end = processRuntime.monotonic() + deadline;
  const driver = await loadDriver();
  await withClient(withoutDriversWait(options), driver, deadline, async (client, close) => {
    const dataCenter = severalDataCenters ? SEVERAL_DATA_CENTERS : await dataCenterOf(client);
    const settings = { shards, dataCenter, gracePeriod };
    await createSchema(client, driver, { keyspace, replication, settings }, end);
    await close();
  });
}

/** The driver would wait for schema agreement after each change, in steps of half a second; here it is awaited once. */
function withoutDriversWait(options: CassandraConnectionOptions): CassandraConnectionOptions {
  if (options.client) return options;
  return { ...options, protocolOptions: { maxSchemaAgreementWaitSeconds: 0, ...options.protocolOptions } };
}

async function loadDriver(): Promise<Driver> {
  const { default: driver } = await importDriver("cassandra-driver", () => import("cassandra-driver"));
  return driver as unknown as Driver;
}

/**
 * Connects, within `timeout` milliseconds if it is given. A client that is made here is shut down by `close`, and if `use`
 * fails.
 */
async function withClient<T>(
  options: CassandraConnectionOptions,
  driver: Driver,
  timeout: number | undefined,
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
    await (timeout === undefined ? connecting : callDriver(driver, { timeout }, () => connecting));
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
  const { controlConnection } = client as {
    controlConnection?: { connection?: { close?(callback: () => void): void } };
  };
  controlConnection?.connection?.close?.(() => undefined);
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
async function dataCenterOf(client: Client, timeout?: number): Promise<string> {
  const options = timeout === undefined ? {} : { readTimeout: timeout };
  const { rows } = await client.execute("SELECT data_center FROM system.local", [], options);
  return String(rows[0]?.data_center);
}
