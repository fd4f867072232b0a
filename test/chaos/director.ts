import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosCluster } from "./cluster.js";
import type { Fault, Scene } from "./faults.js";
import { Group, type GroupOptions } from "./group.js";
import { now } from "./log.js";
import type { Plan } from "./plan.js";
import type { Dice } from "./random.js";

/** Small, so that sweeps happen all the time, and that a stopped process is stopped for longer than the margin. */
const LEDGER = {
  clockLimit: 400,
  margin: 8_000,
  deadline: 8_000,
  attemptTimeout: 1_500,
  clockInterval: 5_000,
  sweepEvery: 4,
  sweepInterval: 1_000,
};

/** Few lists and shards, so that many calls meet in one partition. */
const USUAL: Omit<GroupOptions, "keyspace" | "broken"> = {
  ledger: LEDGER,
  shards: 2,
  workload: { lists: ["north", "south"], contested: 15, open: 50, actors: 12, pause: 200 },
  writers: 4,
  readers: 1,
};

/** All in one partition, and sweeps without end: where a mistake shows soon. */
const CROWDED: Omit<GroupOptions, "keyspace" | "broken"> = {
  ledger: { ...LEDGER, sweepInterval: 100 },
  shards: 1,
  workload: { lists: ["north"], contested: 10, open: 20, actors: 16, pause: 150 },
  writers: 2,
  readers: 0,
};

/** How long clients run before the first fault, in milliseconds. */
const WARM_UP = 5_000;

/** How often what was read by then is judged, in milliseconds. */
const CHECK_INTERVAL = 5_000;

export interface Play {
  /** The mistake in the build that is tried, if there is to be one. */
  readonly broken: string | undefined;
  /** Broken builds that run beside it for the first part of the plan, to see that they are found out. */
  readonly trials: readonly string[];
  /** Whether everything is read once more without one of the nodes, or without each in turn. */
  readonly withoutEach: "none" | "one" | "every";
}

/** Plays a plan before a cluster and its clients. */
export class Director {
  readonly #cluster: ChaosCluster;
  readonly #directory: string;
  readonly #dice: Dice;
  readonly #say: (text: string) => void;
  readonly #inflicting = new Set<Promise<void>>();
  readonly problems: string[] = [];
  group: Group | undefined;
  /** By the name of the mistake. */
  readonly trials = new Map<string, Group>();

  constructor(cluster: ChaosCluster, directory: string, dice: Dice, say: (text: string) => void) {
    this.#cluster = cluster;
    this.#directory = directory;
    this.#dice = dice;
    this.#say = say;
  }

  async play(plan: Plan, { broken, trials, withoutEach }: Play): Promise<void> {
    const options = broken === undefined ? USUAL : { ...CROWDED, writers: USUAL.writers, readers: USUAL.readers };
    const group = await this.#gather({ ...options, keyspace: "chaos", broken });
    this.group = group;
    for (const name of trials)
      this.trials.set(name, await this.#gather({ ...CROWDED, keyspace: name.replaceAll("-", "_"), broken: name }));
    await Promise.all([group, ...this.trials.values()].map((each) => each.start()));
    this.#say("clients have connected");
    await this.#follow(plan, group);
    this.#say("faults are over");
    await this.#recover();
    await group.clients.end();
    await this.#endTrials();
    await this.#audit(group, group.isFoundOut ? "none" : withoutEach);
  }

  /** Ends all clients. */
  async dismiss(): Promise<void> {
    for (const each of [this.group, ...this.trials.values()]) await each?.clients.killAll();
  }

  /** Goes through a plan to its end, or until there is a violation. */
  async #follow(plan: Plan, group: Group): Promise<void> {
    const { margin, clockLimit } = LEDGER;
    const scene: Scene = { cluster: this.#cluster, clients: [group.clients], dice: this.#dice, margin, clockLimit };
    const watch = new AbortController();
    const watching = this.#watch(group, watch.signal);
    await sleep(WARM_UP);
    await plan(
      (fault) => this.#inflict(fault, scene, group),
      scene,
      () => this.#endTrials(),
    ).catch((error) => {
      if (!(error instanceof PlanIsOver)) throw error;
    });
    await Promise.all(this.#inflicting);
    watch.abort();
    await watching;
  }

  /** Judges again and again; a broken build that is found out need not go on. */
  async #watch(group: Group, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(CHECK_INTERVAL, undefined, { signal }).catch(() => undefined);
      if (await group.check()) this.#say("a violation: see below");
      for (const [name, trial] of this.trials)
        if (trial.clients.running && (await trial.check())) {
          this.#say(`the broken build ${name} is found out`);
          await trial.clients.killAll();
        }
    }
  }

  #gather(options: GroupOptions): Promise<Group> {
    return Group.gather(this.#cluster, this.#directory, this.#dice, options);
  }

  async #inflict(fault: Fault, scene: Scene, group: Group): Promise<void> {
    if (group.isFoundOut) throw new PlanIsOver();
    this.#say(fault.name);
    group.note({ at: now(), began: fault.name });
    const inflicting = fault
      .inflict(scene)
      .catch((error) => void this.problems.push(`${fault.name}: ${(error as Error).stack}`));
    this.#inflicting.add(inflicting);
    await inflicting;
    this.#inflicting.delete(inflicting);
    group.note({ at: now(), ended: fault.name });
    this.#say(`over: ${fault.name}`);
  }

  async #endTrials(): Promise<void> {
    const running = [...this.trials.values()].filter(({ clients }) => clients.running);
    if (running.length === 0) return;
    this.#say("the other broken builds come to their end");
    await Promise.all(running.map(({ clients }) => clients.end()));
    await Promise.all(running.map((each) => each.audit()));
  }

  async #recover(): Promise<void> {
    this.#cluster.heal();
    await this.#cluster.revive();
    await this.#cluster.settled();
  }

  /** When nothing is under way any more, everything is read: with all nodes, and with one of them down. */
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
