// A process that uses a Cassandra, and does as it is told at its end.
//   tsx closing-process.ts CONNECTION END
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";

/** How the process ends: it closes its adapter, forgets to, or fails to open one and does no more. */
export type End = "closes" | "forgets" | "fails";

const [connection, end] = process.argv.slice(2) as [string, End];
const adapter = new CassandraAdapter(JSON.parse(connection));
try {
  await adapter.open();
  await adapter.find([{ taskList: "list", id: "id" }]);
  console.log("done");
} catch {
  console.log("failed");
}
if (end === "closes") await adapter.close();
