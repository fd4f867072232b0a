// An order service. Its API saves the tasks of an order together and sends their bytes to a queue; workers do them; a keeper
// redelivers tasks that get lost. Meanwhile a worker is killed, the queue is emptied, a second version of the program is
// deployed while tasks of the first are open, and a bank declines cards, whose tasks are given up and revived. No task is lost.
//
//     npm run example:orders -- [--queue pipes|bullmq|pg-boss] [--orders 40] [--store URL]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { printTable } from "../fetch-files/output.js";
import type { Order } from "./order.js";
import { type QueueKind, type QueueServer, startQueue, whyNoQueue } from "./queues/queue-server.js";
import { Service, type ServiceProcess } from "./service.js";
import type { Timing } from "./settings.js";
import { World } from "./world.js";

const timing: Timing = {
  ...{ lease: 1_500, backoff: 200, olderThan: 2_000, interval: 3_000, every: 250 },
  ...{ concurrency: 4, work: 60 },
};
const kinds: readonly string[] = ["pipes", "bullmq", "pg-boss"] satisfies QueueKind[];
const DECLINED = "a declined card";
const DEADLINE = 120_000;

interface Run {
  readonly service: Service;
  readonly queue: QueueServer;
  readonly world: World;
  /** The number of orders for each version. */
  readonly count: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { queue: { type: "string" }, orders: { type: "string" }, store: { type: "string" } },
  });
  const { queue: kind = "pipes", orders: count = "40" } = values;
  if (!kinds.includes(kind)) throw new Error(`--queue is one of ${kinds.join(", ")}`);
  if (!/^[1-9]\d{0,4}$/.test(count)) throw new Error("--orders is a number from 1");
  if (values.store === "memory:") throw new Error("memory: is one process's own; name sqlite:PATH");
  if (values.store?.startsWith("cassandra:"))
    throw new Error(
      "Cassandra can't save an order's tasks together; name sqlite:PATH, or see docs/queues.md (The generator)",
    );
  const reason = whyNoQueue(kind as QueueKind);
  if (reason !== undefined) return console.log(`left out: ${reason}`);

  const scratch = mkdtempSync(join(tmpdir(), "orders-"));
  process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
  const store = values.store ?? `sqlite:${encodeURI(join(scratch, "ledger.db"))}`;
  const world = await World.begin();
  const queue = await startQueue(kind as QueueKind);
  const programOf = (name: string) => fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const service = new Service({ store, queue: queue.address, world: world.url, timing }, programOf, queue.broker);
  process.on("exit", () => service.killAll());
  try {
    await run({ service, queue, world, count: Number(count) });
  } finally {
    service.killAll();
    await queue.stop();
    await world.end();
  }
}

async function run({ service, queue, world, count }: Run): Promise<void> {
  world.declined.add(DECLINED);
  console.log(`version 1 takes ${count} orders; a worker is killed, and the queue is emptied`);
  const [oldApi, victim, ...old] = await startAll(service, 1);
  await placeOrders(oldApi, range(0, count), async (i) => {
    if (i === Math.floor(count / 3)) await victim.kill();
    if (i === Math.floor(count / 2)) await queue.flush();
  });

  console.log("version 2 is deployed, and takes as many; then version 1 ends, in good order");
  const [api] = await startAll(service, 2);
  await placeOrders(api, range(count, 2 * count));
  await Promise.all([oldApi, ...old].map((each) => each.end()));
  await until(api, ({ dead: _, bookings: __, ...lists }) => countOpen(lists) === 0);

  const given = await until(api, (lists) => lists.dead?.open);
  console.log(
    `${given} tasks were given up: the bank declined their cards; it does not any more, and they are revived`,
  );
  world.declined.clear();
  await api.ask("POST /revivals");
  await until(api, ({ bookings, ...lists }) => countOpen(lists) === 0 && bookings?.open === 2 * count);

  console.log("the night comes: a composite books the charges");
  await api.ask("POST /nights", "the first");
  await until(api, (lists) => countOpen(lists) === 0);
  await service.end();
  report(world, count, given);
}

type Processes = [api: ServiceProcess, worker: ServiceProcess, ...others: ServiceProcess[]];

function startAll(service: Service, version: 1 | 2): Promise<Processes> {
  const names = ["api", "worker", "worker", "keeper"] as const;
  return Promise.all(names.map((name) => service.start(name, { version }))) as Promise<never>;
}

async function placeOrders(api: ServiceProcess, numbers: readonly number[], then = async (_: number) => {}) {
  for (const i of numbers) {
    const card = i % 10 === 3 ? DECLINED : `card ${i}`;
    const order: Order = { id: `order ${i}`, card, cents: 100 * i, mailbox: `buyer${i}@acme.com`, words: ["a", "b"] };
    await api.ask("POST /orders", order);
    await then(i);
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

type Metrics = Readonly<Record<string, { readonly open: number }>>;

function countOpen(lists: Metrics): number {
  return Object.values(lists).reduce((sum, { open }) => sum + open, 0);
}

/** Waits until a condition on the metrics holds, and returns its value. */
async function until<T>(api: ServiceProcess, find: (lists: Metrics) => T | false): Promise<T> {
  for (const start = Date.now(); ; await sleep(100)) {
    const lists = await api.ask<Metrics>("GET /metrics");
    const found = find(lists);
    if (found !== false) return found;
    if (Date.now() - start > DEADLINE) throw new Error(`it takes too long: ${JSON.stringify(lists)}`);
  }
}

function report(world: World, count: number, given: number | undefined): void {
  const things = ["charge", "receipt", "index", "booking"];
  const expected = range(0, 2 * count).flatMap((i) => [
    ...things.map((what) => `${what} order ${i}`),
    ...(i >= count ? [`points order ${i}`] : []),
  ]);
  const { counts } = world;
  const lost = expected.filter((name) => !counts.has(name)).length;
  printTable([
    ["orders", 2 * count],
    ["tasks", expected.length],
    ["done", counts.size],
    ["done twice, by who died or was too late", [...counts.values()].filter((times) => times > 1).length],
    ["given up, and revived", given ?? 0],
    ["lost", lost],
  ]);
  if (lost > 0) throw new Error(`${lost} tasks were lost`);
}

try {
  await main();
} catch (error) {
  console.error(`orders: ${(error as Error).message}`);
  process.exitCode = 1;
}
