import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, policies, types } from "cassandra-driver";
import { describeCassandra, type Endpoint } from "./describe.js";
import { CassandraNode, type CommitlogSync } from "./node.js";
import { freePort } from "./ports.js";

export interface ClusterOptions {
  /** The first of them is the seed. */
  addresses?: readonly string[];
  /** The data centre of each of them. @defaultValue all in one */
  dataCenters?: readonly string[];
  heap?: string;
  commitlogSync?: CommitlogSync;
  settings?: Record<string, unknown>;
  jvmOptions?: readonly string[];
  /** Whether to wait until every node sees every other as up. @defaultValue true */
  settle?: boolean;
}

export interface CassandraCluster extends Endpoint {
  nodes: CassandraNode[];
  localDataCenter: string;
  /** Resolves when every running node sees every other as up, and fails when one cannot. */
  settled(): Promise<void>;
  /** Ends the nodes and removes their data. */
  stop(): Promise<void>;
}

const THREE = ["127.0.0.11", "127.0.0.12", "127.0.0.13"];
const SETTLE_TIMEOUT = 60_000;

/** Starts a cluster on addresses of this machine, for tests that kill, stop and restart its nodes. */
export async function startCluster(options: ClusterOptions = {}): Promise<CassandraCluster> {
  const { addresses = THREE, dataCenters = [], settle = true, ...common } = options;
  // The usual ports if they are free, so that a client needs only the addresses.
  const port = await freePort(addresses, 9042);
  const storagePort = await freePort(addresses, 7000);
  const dir = await mkdtemp(join(tmpdir(), "taskledger-cluster-"));
  const seeds = addresses.slice(0, 1);
  const jmxPorts = await Promise.all(addresses.map((_, i) => freePort(["127.0.0.1"], 7199 + i)));
  const nodes = addresses.map((address, i) => {
    const own = { address, dir: join(dir, address), jmxPort: jmxPorts[i], dataCenter: dataCenters[i] };
    return new CassandraNode({ ...common, ...own, port, storagePort, seeds, temporary: true });
  });
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.kill("SIGKILL")));
    await rm(dir, { recursive: true, force: true });
  };
  const settled = () => allUp(nodes);
  const contactPoints = nodes.map((node) => node.contactPoint);
  try {
    await startAll(nodes);
    if (settle) await settled();
    const { localDataCenter } = await describeCassandra({ contactPoints, port });
    return { nodes, contactPoints, port, localDataCenter, settled, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The others join through the seed; since there is no data to stream, they may do so at the same time. */
async function startAll([seed, ...others]: readonly CassandraNode[]): Promise<void> {
  await seed?.start();
  await Promise.all(others.map((node) => node.start()));
}

async function allUp(nodes: readonly CassandraNode[]): Promise<void> {
  const running = nodes.filter((node) => node.running);
  await Promise.all(running.map((node) => seesAll(node, running.length)));
}

/**
 * A read that every replica must answer fails at once on a node that considers a replica down. It reads a table of
 * Cassandra's own, which is stored on up to three nodes.
 */
async function seesAll(node: CassandraNode, nodes: number): Promise<void> {
  const client = clientOf(node);
  const consistency = nodes < 3 ? types.consistencies.quorum : types.consistencies.all;
  const deadline = performance.now() + SETTLE_TIMEOUT;
  try {
    for (;;) {
      try {
        await client.execute(PROBE, ["", ""], { consistency });
        return;
      } catch (error) {
        if (performance.now() > deadline)
          throw new Error(`${node.contactPoint} does not see all nodes up`, { cause: error });
      }
      await sleep(200);
    }
  } finally {
    await client.shutdown();
  }
}

const PROBE = "SELECT host_id FROM system_distributed.view_build_status WHERE keyspace_name = ? AND view_name = ?";

/** A client whose requests all go through one node. */
export function clientOf(node: CassandraNode): Client {
  const { loadBalancing } = policies;
  const only = new loadBalancing.AllowListPolicy(new loadBalancing.RoundRobinPolicy(), [node.contactPoint]);
  return new Client({
    contactPoints: [node.contactPoint],
    protocolOptions: { port: node.port },
    policies: { loadBalancing: only },
  });
}
