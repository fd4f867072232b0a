import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientOf } from "../support/cassandra/cluster.js";
import { describeCassandra } from "../support/cassandra/describe.js";
import { type CassandraNode, startNode } from "../support/cassandra/node.js";
import { freePort } from "../support/cassandra/ports.js";
import type { DriverCassandra } from "./driver.js";

/** A node that nobody else uses, so that it can be killed or loaded. */
export interface OwnNode {
  readonly client: ReturnType<typeof clientOf>;
  /** How drivers reach one of its keyspaces. */
  store(keyspace: string): DriverCassandra;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export async function startOwnNode(address: string): Promise<OwnNode> {
  const port = await freePort([address]);
  const storagePort = await freePort([address]);
  const dir = await mkdtemp(join(tmpdir(), "taskledger-node-"));
  const place = { address, seeds: [address], port, storagePort, dir, temporary: true };
  const node: CassandraNode = await startNode({ ...place, heap: "768M" });
  const client = clientOf(node);
  const { localDataCenter: dataCenter } = await describeCassandra({ contactPoints: [node.contactPoint], port });
  const kill = async () => void (await node.kill("SIGKILL"));
  return {
    client,
    store: (keyspace) => ({ hosts: [address], port, dataCenter, keyspace }),
    kill,
    stop: async () => {
      await client.shutdown();
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
