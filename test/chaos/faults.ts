import { setTimeout as sleep } from "node:timers/promises";
import type { Clients } from "./clients.js";
import type { ChaosCluster } from "./cluster.js";
import type { Way } from "./network.js";
import type { Dice } from "./random.js";

/** What a fault can affect. */
export interface Scene {
  readonly cluster: ChaosCluster;
  /** Those of each group. */
  readonly clients: readonly Clients[];
  readonly dice: Dice;
  /** The grace period, and the limit of a client's clock, in milliseconds. */
  readonly gracePeriod: number;
  readonly clockLimit: number;
}

export interface Fault {
  /** Its name in docs/failures.md. */
  readonly name: string;
  readonly hits: "nodes" | "network" | "clients";
  /** Resolves when the fault is over, and its effects are undone. */
  inflict(scene: Scene): Promise<void>;
}

export const faults: readonly Fault[] = [
  {
    name: "one node is killed",
    hits: "nodes",
    async inflict({ cluster, dice }) {
      const number = dice.below(3);
      await cluster.endNode(number, "killed");
      await sleep(8_000);
      await cluster.startNode(number);
    },
  },
  {
    name: "one node is stopped for 20 s",
    hits: "nodes",
    async inflict({ cluster, dice }) {
      const node = cluster.node(dice.below(3));
      await node.kill("SIGSTOP");
      await sleep(20_000);
      await node.kill("SIGCONT");
    },
  },
  {
    name: "one node is restarted",
    hits: "nodes",
    async inflict({ cluster, dice }) {
      const number = dice.below(3);
      await cluster.endNode(number, "stopped");
      await cluster.startNode(number);
    },
  },
  {
    name: "one node is slow",
    hits: "nodes",
    async inflict({ cluster, dice }) {
      const node = cluster.node(dice.below(3));
      for (const end = performance.now() + 12_000; performance.now() < end; ) {
        await node.kill("SIGSTOP");
        await sleep(dice.between(100, 400));
        await node.kill("SIGCONT");
        await sleep(dice.between(10, 60));
      }
    },
  },
  {
    name: "two nodes are killed",
    hits: "nodes",
    async inflict({ cluster, dice }) {
      const spared = dice.below(3);
      const numbers = cluster.numbers.filter((number) => number !== spared);
      await Promise.all(numbers.map((number) => cluster.endNode(number, "killed")));
      await sleep(6_000);
      await cluster.revive();
    },
  },
  {
    name: "all nodes are killed at once",
    hits: "nodes",
    async inflict({ cluster }) {
      await Promise.all(cluster.numbers.map((number) => cluster.endNode(number, "killed")));
      await cluster.revive();
    },
  },
  {
    name: "one node is stopped while another is killed",
    hits: "nodes",
    async inflict({ cluster, dice }) {
      const [stopped, killed] = dice.shuffle(cluster.numbers) as [number, number];
      await cluster.endNode(killed, "killed");
      await cluster.node(stopped).kill("SIGSTOP");
      // Long enough for the third node to notice both, and for failing calls to reach their deadline.
      await sleep(22_000);
      await cluster.node(stopped).kill("SIGCONT");
      await sleep(2_000);
      await cluster.startNode(killed);
    },
  },
  {
    name: "one node is cut off from the others",
    hits: "network",
    async inflict({ cluster, dice }) {
      const ways = cluster.waysOf(dice.below(3));
      await hold(ways, 15_000);
      // After a short cut, data arrives late; after a longer one, there are new connections.
      if (dice.chance(0.5)) cluster.reset(ways);
    },
  },
  {
    name: "all nodes are cut off from each other",
    hits: "network",
    async inflict({ cluster }) {
      const ways = cluster.numbers.flatMap((number) => cluster.waysOf(number));
      await hold(ways, 8_000);
    },
  },
  {
    name: "one node sends and does not receive",
    hits: "network",
    async inflict({ cluster, dice }) {
      const number = dice.below(3);
      await hold(
        othersOf(cluster, number, (other) => cluster.way(other, number)),
        10_000,
      );
    },
  },
  {
    name: "one node receives and does not send",
    hits: "network",
    async inflict({ cluster, dice }) {
      const number = dice.below(3);
      await hold(
        othersOf(cluster, number, (other) => cluster.way(number, other)),
        10_000,
      );
    },
  },
  {
    name: "the network is slow",
    hits: "network",
    async inflict({ cluster, dice }) {
      const ways = cluster.waysOf(dice.below(3));
      for (const way of ways) way.delay = dice.between(30, 150);
      await sleep(12_000);
      for (const way of ways) way.delay = 0;
    },
  },
  {
    name: "connections break",
    hits: "network",
    async inflict({ cluster, dice }) {
      for (const end = performance.now() + 8_000; performance.now() < end; ) {
        const number = dice.below(3);
        const toClients = [cluster.requestsTo(number), cluster.answersOf(number)];
        cluster.reset(dice.chance(0.5) ? cluster.waysOf(number) : toClients);
        await sleep(dice.between(200, 1_000));
      }
    },
  },
  {
    name: "a coordinator hangs",
    hits: "network",
    async inflict({ cluster, dice }) {
      await hold([cluster.answersOf(dice.below(3))], 10_000);
    },
  },
  {
    name: "answers are lost",
    hits: "network",
    async inflict({ cluster }) {
      const answers = cluster.numbers.map((number) => cluster.answersOf(number));
      for (let i = 0; i < 5; i++) {
        for (const way of answers) way.hold();
        await sleep(400);
        cluster.reset(answers);
        for (const way of answers) way.release();
        await sleep(1_500);
      }
    },
  },
  {
    name: "a client is killed",
    hits: "clients",
    async inflict({ clients }) {
      await Promise.all(clients.map((some) => some.replace(some.pick())));
      await sleep(3_000);
    },
  },
  {
    name: "a client is stopped for less than half the grace period",
    hits: "clients",
    inflict: (scene) => stopClients(scene, scene.gracePeriod / 4),
  },
  {
    name: "a client is stopped for longer than the grace period",
    hits: "clients",
    inflict: (scene) => stopClients(scene, 1.5 * scene.gracePeriod),
  },
  {
    name: "a client's clock is off by less than the limit",
    hits: "clients",
    inflict: (scene) => setClocks(scene, 0.7 * scene.clockLimit),
  },
  {
    name: "a client's clock is off by far more than the limit",
    hits: "clients",
    inflict: (scene) => setClocks(scene, 3 * scene.gracePeriod),
  },
];

export function faultNamed(name: string): Fault {
  const fault = faults.find((each) => each.name === name);
  if (fault === undefined) throw new Error(`no fault is named "${name}"`);
  return fault;
}

async function hold(ways: readonly Way[], milliseconds: number): Promise<void> {
  for (const way of ways) way.hold();
  await sleep(milliseconds);
  for (const way of ways) way.release();
}

function othersOf(cluster: ChaosCluster, number: number, way: (other: number) => Way): Way[] {
  return cluster.numbers.filter((other) => other !== number).map(way);
}

async function stopClients({ clients }: Scene, milliseconds: number): Promise<void> {
  const stopped = clients.map((some) => some.pick());
  await Promise.all(stopped.map((client) => client.kill("SIGSTOP")));
  await sleep(milliseconds);
  await Promise.all(stopped.map((client) => client.kill("SIGCONT")));
}

/** One client's clock ahead, another one's behind. */
async function setClocks({ clients }: Scene, milliseconds: number): Promise<void> {
  const set = clients.flatMap((some) => [
    { client: some.pick(), sign: 1 },
    { client: some.pick(), sign: -1 },
  ]);
  for (const { client, sign } of set) client.tell({ clock: sign * Math.round(milliseconds) });
  await sleep(6_000);
  for (const { client } of set) client.tell({ clock: 0 });
}
