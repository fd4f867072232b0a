import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataInterface, dispatchKey, type Task } from "taskledger";
import { openStore } from "taskledger/store";
import type { Broker } from "../../examples/orders/queues/broker.js";
import { type QueueKind, type QueueServer, startQueue } from "../../examples/orders/queues/queue-server.js";
import { type ProcessName, Service } from "../../examples/orders/service.js";
import type { Timing } from "../../examples/orders/settings.js";
import {
  BookChargeTask,
  ChargeCardTask,
  IndexOrderTask,
  SendReceiptTask,
} from "../../examples/orders/v1/gen/shop/v1/tasks_task.js";
import { type Deed, World } from "../../examples/orders/world.js";
import { bundle } from "../support/bundle.js";
import { until } from "../support/until.js";

const types = [ChargeCardTask, SendReceiptTask, IndexOrderTask, BookChargeTask];

export type ShopTask = InstanceType<(typeof types)[number]>;

/** What the world calls that which a task of a list does. */
const deedOf: Record<string, string> = { charges: "charge", receipts: "receipt", index: "index", bookings: "booking" };

const programs = new Map<string, string>();

/** A process of the example's, or one of the tests' that works like it. They start faster from bundles. */
async function prepare(): Promise<void> {
  const sources = {
    ...{ api: "examples/orders/api.ts", worker: "examples/orders/worker.ts", keeper: "examples/orders/keeper.ts" },
    recovery: "test/orders/recovery.ts",
  };
  await Promise.all(
    Object.entries(sources).map(async ([name, source]) => {
      if (!programs.has(name)) programs.set(name, await bundle(source));
    }),
  );
}

export interface TownOptions {
  /** By default an SQLite file in a folder of its own. */
  readonly store?: string;
  readonly queue?: QueueKind;
  readonly timing?: Partial<Timing>;
}

const defaults: Timing = {
  ...{ lease: 10_000, backoff: 100, olderThan: 1_000, interval: 2_000, every: 200 },
  ...{ concurrency: 4, work: 20 },
};

/** Where a service of the example runs: its processes, its queue, its ledger, and the world outside. */
export class Town {
  readonly #scratch: string;
  readonly service: Service;
  readonly queue: QueueServer;
  readonly world: World;
  /** The ledger, as this process sees it. */
  readonly tasks: DataInterface<(typeof types)[number]>;

  static async begin({ store, queue: kind = "pipes", timing }: TownOptions = {}): Promise<Town> {
    await prepare();
    const scratch = mkdtempSync(join(tmpdir(), "taskledger-town-"));
    const url = store ?? `sqlite:${join(scratch, "ledger.db")}`;
    const tasks = new DataInterface({ types, adapter: await openStore(url) });
    const [world, queue] = await Promise.all([World.begin(), startQueue(kind)]);
    const common = { store: url, queue: queue.address, world: world.url, timing: { ...defaults, ...timing } };
    const service = new Service(common, (name) => programs.get(name) as string, queue.broker);
    return new Town(scratch, service, queue, world, tasks);
  }

  private constructor(
    scratch: string,
    service: Service,
    queue: QueueServer,
    world: World,
    tasks: DataInterface<(typeof types)[number]>,
  ) {
    this.#scratch = scratch;
    this.service = service;
    this.queue = queue;
    this.world = world;
    this.tasks = tasks;
  }

  get broker(): Broker {
    if (this.queue.broker === undefined) throw new Error("the queue is not of pipes");
    return this.queue.broker;
  }

  /** Ends what is left of it, however a test has gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.service.killAll();
    await this.tasks.close();
    await Promise.all([this.queue.stop(), this.world.end()]);
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  /** Starts a process that recovers lists, as a service may that has no queue. */
  startRecovery(): ReturnType<Service["start"]> {
    return this.service.start("recovery" as ProcessName);
  }

  /** Saves the tasks of so many orders, and enqueues their bytes. */
  async place(count: number): Promise<ShopTask[]> {
    const tasks = range(count).flatMap((i) => tasksOf(`order ${i}`));
    await this.tasks.saveAll(tasks);
    this.broker.send(tasks.map((task) => ({ key: dispatchKey(task), body: task.toBinary() })));
    return tasks;
  }

  /** The open tasks of lists. */
  async open(...lists: readonly string[]): Promise<Task[]> {
    const open: Task[] = [];
    for (const list of lists) for await (const task of this.tasks.all(list)) open.push(task);
    return open;
  }

  /** Waits until there is nothing open in the lists. */
  async untilDone(...lists: readonly string[]): Promise<void> {
    await until(async () => (await this.open(...lists)).length === 0, `${lists} to be done`);
  }

  judge(tasks: readonly Task[]): Judgement {
    const byName = new Map<string, Deed[]>();
    for (const deed of this.world.deeds) byName.set(nameOf(deed), [...(byName.get(nameOf(deed)) ?? []), deed]);
    const done = tasks.map(({ taskList, id }) => byName.get(`${deedOf[taskList]} ${id}`) ?? []);
    return {
      tasks: tasks.length,
      lost: tasks.filter((_, i) => done[i]?.length === 0).map(({ id }) => id),
      doubled: done.filter((deeds) => deeds.length > 1).map((deeds) => deeds.map(({ by }) => by)),
    };
  }
}

export interface Judgement {
  readonly tasks: number;
  readonly lost: readonly string[];
  /** By whom each task was done that was done more than once. */
  readonly doubled: readonly (readonly string[])[];
}

/** One line for each fault, in the output of the tests. */
export function say(fault: string, { tasks, lost, doubled }: Judgement, recovered: number, more = ""): void {
  console.log(
    `${fault}: ${tasks} tasks, ${lost.length} lost, ${doubled.length} doubled, ${recovered} recovered${more && `; ${more}`}`,
  );
}

export function nameOf({ what, order }: Deed): string {
  return `${what} ${order}`;
}

export function tasksOf(orderId: string): ShopTask[] {
  return [
    ChargeCardTask.build({ taskList: "charges", orderId, card: "a card", cents: 100n }),
    SendReceiptTask.build({ taskList: "receipts", orderId, mailbox: "buyer@acme.com" }),
    IndexOrderTask.build({ taskList: "index", orderId, words: ["a"] }),
  ];
}

export function bookings(count: number): BookChargeTask[] {
  return range(count).map((i) => BookChargeTask.build({ taskList: "bookings", orderId: `order ${i}`, cents: 100n }));
}

/** The lists of what goes through the queue. */
export const LISTS = ["charges", "receipts", "index"] as const;

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

export function order(id: string) {
  return { id, card: "a card", cents: 100, mailbox: "buyer@acme.com", words: ["a"] };
}
