import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosCluster } from "./cluster.js";
import type { Fault, Scene } from "./faults.js";
import { Group, type GroupOptions } from "./group.js";
import { now } from "./log.js";
import { type Plan, tellingFaults } from "./plan.js";
import type { Dice } from "./random.js";
import { makeStore } from "./store.js";

/** A short grace period, so that there are many sweeps, and a stopped process is stopped for longer than it. */
const LEDGER = {
  clockLimit: 400,
  gracePeriod: 8_000,
  deadline: 8_000,
  attemptTimeout: 1_500,
  clockInterval: 5_000,
  sweepEvery: 4,
  sweepInterval: 100,
};

/** Few lists, so that many calls use the same partition, and many sweeps. */
const USUAL: Omit<GroupOptions, "name" | "broken"> = {
  ledger: LEDGER,
  workload: { lists: ["north", "south"], contested: 12, open: 30, actors: 14, pause: 170 },
  writers: 4,
  readers: 1,
};

/** Several broken builds run at once, so each has few clients; those that write also read. */
const TRIED = { ...USUAL, writers: 2, readers: 0 };

/** How long clients run before the first fault, in milliseconds. */
const WARM_UP = 5_000;

/** Minimum time between two checks of the logs, in milliseconds, and the maximum share of the time for checks. */
const CHECK_INTERVAL = 2_000;
const CHECK_SHARE = 0.1;

/** Maximum time until a broken build must be detected, in minutes. */
const TRIAL = 1;

export interface Play {
  /** The bug of the build that is tried, if it has one. */
  readonly broken: string | undefined;
  /** Broken builds that run first, which must be detected. */
  readonly trials: readonly string[];
  /** Whether everything is read again without one of the nodes, or without each in turn. */
  readonly withoutEach: "none" | "one" | "every";
}

/** Executes a plan on a cluster and its clients. */
export class Director {
  readonly #cluster: ChaosCluster;
  readonly #directory: string;
  readonly #dice: Dice;
  readonly #say: (text: string) => void;
  readonly problems: string[] = [];
  group: Group | undefined;
  /** By the name of the bug. */
  readonly trials = new Map<string, Group>();

  constructor(cluster: ChaosCluster, directory: string, dice: Dice, say: (text: string) => void) {
    this.#cluster = cluster;
    this.#directory = directory;
    this.#dice = dice;
    this.#say = say;
  }

  async play(plan: Plan, { broken, trials, withoutEach }: Play): Promise<void> {
    const connection = await makeStore(this.#cluster, LEDGER.gracePeriod);
    const gather = (options: GroupOptions) => Group.gather(connection, this.#directory, this.#dice, options);
    for (const name of trials) this.trials.set(name, await gather({ ...TRIED, name, broken: name }));
    if (trials.length > 0) await this.#follow(tellingFaults(TRIAL), [...this.trials.values()]);
    await this.dismiss();
    const group = await gather({ ...USUAL, name: "main", broken });
    this.group = group;
    await this.#follow(plan, [group]);
    await this.#recover();
    await group.clients.end();
    await this.#audit(group, group.isFoundOut ? "none" : withoutEach);
  }

  /** Ends all clients. */
  async dismiss(): Promise<void> {
    for (const each of [this.group, ...this.trials.values()]) await each?.clients.killAll();
  }

  /** Starts clients, and executes a plan to its end, or until a violation was found in each group. */
  async #follow(plan: Plan, groups: readonly Group[]): Promise<void> {
    await Promise.all(groups.map((group) => group.clients.start()));
    this.#say("clients have connected");
    const watch = new AbortController();
    const watching = this.#watch(groups, watch.signal);
    await sleep(WARM_UP);
    await this.#inflictAll(plan, groups);
    this.#say("faults are over");
    watch.abort();
    await watching;
  }

  async #inflictAll(plan: Plan, groups: readonly Group[]): Promise<void> {
    const { gracePeriod, clockLimit } = LEDGER;
    const clients = groups.map((group) => group.clients);
    const scene: Scene = { cluster: this.#cluster, clients, dice: this.#dice, gracePeriod, clockLimit };
    const underWay = new Set<Promise<void>>();
    const inflict = async (fault: Fault) => {
      if (groups.every((group) => group.isFoundOut)) throw new PlanIsOver();
      const inflicting = this.#inflict(fault, scene, groups);
      underWay.add(inflicting);
      await inflicting;
      underWay.delete(inflicting);
    };
    await plan(inflict, scene).catch((error) => {
      if (!(error instanceof PlanIsOver)) throw error;
    });
    await Promise.all(underWay);
  }

  async #inflict(fault: Fault, scene: Scene, groups: readonly Group[]): Promise<void> {
    this.#say(fault.name);
    for (const group of groups) group.note({ at: now(), began: fault.name });
    await fault.inflict(scene).catch((error) => this.problems.push(`${fault.name}: ${(error as Error).stack}`));
    for (const group of groups) group.note({ at: now(), ended: fault.name });
    this.#say(`over: ${fault.name}`);
  }

  /** Repeatedly checks the logs so far. */
  async #watch(groups: readonly Group[], signal: AbortSignal): Promise<void> {
    for (let pause = CHECK_INTERVAL; !signal.aborted; ) {
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      const began = performance.now();
      for (const group of groups) if (await group.check()) this.#say(`a violation: ${group.name}`);
      pause = Math.max(CHECK_INTERVAL, (performance.now() - began) / CHECK_SHARE);
    }
  }

  async #recover(): Promise<void> {
    this.#cluster.heal();
    await this.#cluster.revive();
    await this.#cluster.settled();
  }

  /** Reads everything, when no call is in flight any more: with all nodes, and with one of them down. */
  async #audit(group: Group, withoutEach: Play["withoutEach"]): Promise<void> {
    this.#say("clients have ended; everything is read");
    const tasks = await group.audit();
    const numbers = withoutEach === "none" ? [] : this.#dice.shuffle(this.#cluster.numbers);
    for (const number of withoutEach === "one" ? numbers.slice(0, 1) : numbers) {
      await this.#recover();
      await this.#cluster.endNode(number, "killed");
      this.#say(`everything is read without node ${number + 1}`);
      await group.audit();
    }
    this.#say(`${tasks} tasks have been looked for`);
  }
}

/** Ends a plan before its last fault. */
class PlanIsOver extends Error {}
