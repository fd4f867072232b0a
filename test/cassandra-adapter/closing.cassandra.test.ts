import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { End } from "./closing-process.js";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "./connection.js";
import { SilentServer } from "./silent-server.js";

// What docs/cassandra.md says under "Closing".

const client = rawClient();
const keyspace = newKeyspace("closing");
const silent = new SilentServer();
const processes: ChildProcess[] = [];
beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication }));
afterEach(() => {
  for (const each of processes.splice(0)) each.kill("SIGKILL");
});
afterAll(() => {
  silent.close();
  return shutDown(client);
});

async function run(connection: object, end: End): Promise<{ process: ChildProcess; said: string }> {
  const script = fileURLToPath(new URL("closing-process.ts", import.meta.url));
  const args = ["--import", "tsx", script, JSON.stringify({ ...connection, keyspace }), end];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  processes.push(child);
  const [said] = await once(child.stdout, "data");
  return { process: child, said: String(said).trim() };
}

/** How a process that has said its last word ends; "runs" where it does not. */
const howEnds = (child: ChildProcess): Promise<number | string> =>
  Promise.race([
    once(child, "exit").then(([code, signal]) => code ?? signal),
    new Promise<string>((resolve) => setTimeout(resolve, 5_000, "runs")),
  ]);

test("a process ends by itself once its adapter is closed", async () => {
  const { process: child, said } = await run(driverOptions, "closes");
  expect([said, await howEnds(child)]).toEqual(["done", 0]);
});

test("a process that never closes its adapter goes on running: the driver keeps its connections", async () => {
  const { process: child, said } = await run(driverOptions, "forgets");
  expect([said, await howEnds(child)]).toEqual(["done", "runs"]);
});

test.each([
  ["nobody listens", async () => "127.0.0.1:1"],
  ["nobody answers", () => silent.listen()],
])("a process whose adapter could not be opened, where %s, has nothing to close", async (_, contactPoint) => {
  const { process: child, said } = await run(
    { ...driverOptions, contactPoints: [await contactPoint()], deadline: 500 },
    "fails",
  );
  expect([said, await howEnds(child)]).toEqual(["failed", 0]);
});
