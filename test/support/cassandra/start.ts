// Runs Cassandra from Maven Central's jars until Ctrl-C:
//   npm run cassandra -- [--port 9042] [--dir .cache/cassandra/data]    one node, which keeps its data
//   npm run cassandra -- --nodes 3                                      a cluster, which does not
import { once } from "node:events";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { startCluster } from "./cluster.js";
import { startNode } from "./node.js";
import { freePort } from "./ports.js";

interface Running {
  contactPoints: string[];
  stop(): Promise<void>;
}

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "1" },
    port: { type: "string", default: "9042" },
    dir: { type: "string", default: resolve(import.meta.dirname, "../../../.cache/cassandra/data") },
  },
});

const { contactPoints, stop } = await start(Number(values.nodes));
console.log(`export CASSANDRA_CONTACT_POINTS=${contactPoints.join(",")}`);
// Keeps this process running; the nodes' processes do not.
const wait = setInterval(() => {}, 60_000);
await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
clearInterval(wait);
await stop();

async function start(nodes: number): Promise<Running> {
  if (nodes > 1)
    return startCluster({ addresses: Array.from({ length: nodes }, (_, index) => `127.0.0.${11 + index}`) });
  const address = "127.0.0.1";
  const storagePort = await freePort([address], 7000);
  const node = await startNode({ address, seeds: [address], dir: values.dir, port: Number(values.port), storagePort });
  return { contactPoints: [node.contactPoint], stop: () => node.stop() };
}
