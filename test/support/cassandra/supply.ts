import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseContactPoints } from "./contact-points.js";
import { type Credentials, describeCassandra, type Endpoint } from "./describe.js";
import { jarsVersion, missingForJars } from "./jars.js";
import { type CommitlogSync, startNode } from "./node.js";
import { freePort } from "./ports.js";

export interface Coordinates {
  /** Each with its port. */
  contactPoints: string[];
  /** The port on which the driver must connect to discovered nodes: it learns only their addresses. */
  port: number;
  localDataCenter: string;
  credentials?: Credentials;
  releaseVersion: string;
  source: "CASSANDRA_CONTACT_POINTS" | "testcontainers" | "jars";
}

export interface CassandraSupply extends Coordinates {
  stop(): Promise<void>;
}

/** Options that require a node started from the jars. */
export interface SupplyOptions {
  commitlogSync?: CommitlogSync;
  heap?: string;
  settings?: Record<string, unknown>;
  jvmOptions?: readonly string[];
}

interface Started extends Endpoint {
  source: Coordinates["source"];
  stop(): Promise<void>;
}

interface Unavailable {
  unavailable: string;
}

// A missing engine is noticed at once; one that hangs must not delay the tests.
const ENGINE_TIMEOUT = 1_500;

/** Provides the tests with a real Cassandra, in the first of three ways that works here. */
export async function supplyCassandra(options: SupplyOptions = {}): Promise<CassandraSupply> {
  const started = await firstAvailable(options);
  try {
    return { ...started, ...(await describeCassandra(started)), ...namedDataCenter() };
  } catch (error) {
    await started.stop();
    throw new Error(`The Cassandra at ${started.contactPoints} (${started.source}) does not answer.`, { cause: error });
  }
}

/** Only the coordinates, which, unlike a supply, can be sent to another process. */
export function coordinatesOf({ stop: _, ...coordinates }: CassandraSupply): Coordinates {
  return coordinates;
}

/** One line for people: which Cassandra the tests use. */
export function sayCoordinates({ releaseVersion, contactPoints, source }: Coordinates): string {
  const origin = { CASSANDRA_CONTACT_POINTS: source, testcontainers: "Testcontainers", jars: "Maven Central's jars" };
  return `Cassandra ${releaseVersion} from ${origin[source]} at ${contactPoints.join(", ")}`;
}

async function firstAvailable(options: SupplyOptions): Promise<Started> {
  const named = fromEnvironment();
  if ("source" in named) return named;
  const container = await fromTestcontainers();
  if ("source" in container) return container;
  const node = await fromJars(options);
  if ("source" in node) return node;
  throw new Error(nothingAvailable(named.unavailable, container.unavailable, node.unavailable));
}

function nothingAvailable(environment: string, testcontainers: string, jars: string): string {
  return [
    "There is no Cassandra to test with. Any one of these gives one:",
    `- name one that runs (\`docker compose up -d --wait\` starts one): CASSANDRA_CONTACT_POINTS=127.0.0.1:9042 (${environment})`,
    `- a Docker engine, in which Testcontainers then starts cassandra:5.0 (${testcontainers})`,
    `- Java 17 and Maven, on PATH or by JAVA_HOME, which then start Cassandra ${jarsVersion()} from Maven Central's jars` +
      ` (${jars}); on Debian 12 and Ubuntu: apt-get install openjdk-17-jre-headless maven`,
  ].join("\n");
}

// In a cluster with several data centres, the node that answers may not be in the one that is local to the tests.
function namedDataCenter(): { localDataCenter?: string } {
  const localDataCenter = process.env.CASSANDRA_LOCAL_DC;
  return localDataCenter ? { localDataCenter } : {};
}

function fromEnvironment(): Started | Unavailable {
  const { CASSANDRA_CONTACT_POINTS = "", CASSANDRA_USERNAME, CASSANDRA_PASSWORD = "" } = process.env;
  const points = parseContactPoints(CASSANDRA_CONTACT_POINTS);
  const [first] = points;
  if (first === undefined) return { unavailable: "CASSANDRA_CONTACT_POINTS is not set" };
  return {
    source: "CASSANDRA_CONTACT_POINTS",
    contactPoints: points.map(({ contactPoint }) => contactPoint),
    port: first.port,
    ...(CASSANDRA_USERNAME && { credentials: { username: CASSANDRA_USERNAME, password: CASSANDRA_PASSWORD } }),
    stop: async () => {},
  };
}

async function fromTestcontainers(): Promise<Started | Unavailable> {
  // Imported only here: it takes a third of a second to load.
  const { getContainerRuntimeClient } = await import("testcontainers");
  try {
    await within(ENGINE_TIMEOUT, getContainerRuntimeClient());
  } catch {
    return { unavailable: "no Docker engine answers" };
  }
  try {
    return await startContainer();
  } catch (error) {
    console.warn(`Testcontainers could not start cassandra:5.0: ${(error as Error).message}`);
    return { unavailable: "an engine answers, but cassandra:5.0 did not start in it" };
  }
}

async function startContainer(): Promise<Started> {
  const { CassandraContainer } = await import("@testcontainers/cassandra");
  // The image would otherwise take a quarter of the machine's memory.
  const heap = { MAX_HEAP_SIZE: "768M", HEAP_NEWSIZE: "128M" };
  const container = await new CassandraContainer("cassandra:5.0").withEnvironment(heap).start();
  return {
    source: "testcontainers",
    contactPoints: [container.getContactPoint()],
    port: container.getPort(),
    stop: async () => void (await container.stop()),
  };
}

// The node's data is removed with it, so that its own tables need no flushing: creating a table is four times as fast.
const SINGLE_NODE_JVM_OPTIONS = ["-Dcassandra.unsafesystem=true"];

// With a single node, a timeout only means that the machine is busy.
const SINGLE_NODE_SETTINGS = {
  read_request_timeout: "10s",
  range_request_timeout: "10s",
  write_request_timeout: "10s",
  cas_contention_timeout: "10s",
  truncate_request_timeout: "60s",
};

async function fromJars(options: SupplyOptions): Promise<Started | Unavailable> {
  const missing = await missingForJars();
  if (missing !== undefined) return { unavailable: missing };
  const address = "127.0.0.1";
  const port = await freePort([address]);
  const storagePort = await freePort([address]);
  const dir = await mkdtemp(join(tmpdir(), "taskledger-cassandra-"));
  const remove = () => rm(dir, { recursive: true, force: true });
  const jvmOptions = [...SINGLE_NODE_JVM_OPTIONS, ...(options.jvmOptions ?? [])];
  const settings = { ...SINGLE_NODE_SETTINGS, ...options.settings };
  try {
    const node = await startNode({
      ...options,
      jvmOptions,
      settings,
      address,
      seeds: [address],
      port,
      storagePort,
      dir,
      temporary: true,
    });
    const stop = () => node.kill("SIGKILL").then(remove);
    return { source: "jars", contactPoints: [node.contactPoint], port, stop };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  const timeout = sleep(milliseconds, undefined, { ref: false }).then(() => {
    throw new Error(`no answer within ${milliseconds} ms`);
  });
  return Promise.race([promise, timeout]);
}
