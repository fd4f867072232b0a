import type { Client } from "cassandra-driver";
import { parseContactPoint } from "../driver/contact-points.js";
import { addressOf, internalsOf } from "../driver/internals.js";
import { processRuntime, sleep } from "../runtime.js";

/** Interval at which the nodes are asked, in milliseconds. */
const INTERVAL = 100;

/** Maximum time to wait until the nodes of a new cluster know each other, in milliseconds. */
const SETTLE_TIMEOUT = 10_000;

/** Resolves to whether all nodes come to have the same schema before `end`, on the process's monotonic clock. */
export function untilAgreed(client: Client, end: number): Promise<boolean> {
  return until(end, async () => {
    const up = new Set(nodesUp(client));
    const views = await viewsOf(client);
    const versions = views.flatMap((view) =>
      [...view].filter(([address]) => up.has(address)).map(([, version]) => version),
    );
    return new Set(versions).size <= 1;
  });
}

/**
 * Waits until each node knows the others, for some seconds at most. A node tells changes of the schema to the nodes that it knows, and
 * a node that was not told learns of them up to a minute after its start.
 */
export async function untilSettled(client: Client, end: number): Promise<void> {
  const given = internalsOf(client).controlConnection?.getResolvedContactPoints?.().values() ?? [];
  const contactPoints = [...given].flat().map((point) => parseContactPoint(point).host);
  await until(Math.min(end, processRuntime.monotonic() + SETTLE_TIMEOUT), async () => {
    const nodes = [...contactPoints, ...nodesUp(client)];
    return (await viewsOf(client)).every((view) => nodes.every((address) => view.has(address)));
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
      const own: [string, string] = [addressOf(host), String(local.rows[0]?.schema_version)];
      return new Map([
        own,
        ...peers.rows.map((row): [string, string] => [String(row.rpc_address), String(row.schema_version)]),
      ]);
    }),
  );
}

/** The addresses of the nodes that the client takes for running. */
function nodesUp(client: Client): string[] {
  const running = client.hosts.values().filter((host) => host.isUp());
  return running.map(addressOf);
}
