import type { LedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import { shardOf } from "../../src/adapters/cassandra/model/partition.js";
import type { Version } from "../../src/core/version.js";
import { Client, type ClientSettings, type Weakening } from "./client.js";
import { Cluster, type ClusterOptions } from "./cluster.js";
import { LIST, type Operation, Performance } from "./operations.js";
import { Oracle, type Remains, type Violation } from "./oracle.js";
import { fraction, mix, pick } from "./random.js";
import { type Weather, weatherOf } from "./weather.js";
import { drawOperations } from "./workload.js";
import { SECOND, World } from "./world.js";

/** How long operations and faults occur. */
const SPAN = 200 * SECOND;

/** By then every call has ended: the longest stop and all deadlines are over. */
const END = SPAN + 150 * SECOND;

const HOUR = 3600 * SECOND;

export interface HistoryOptions {
  readonly weakening?: Weakening | undefined;
  readonly cluster?: Partial<ClusterOptions> | undefined;
  readonly weather?: Partial<Weather> | undefined;
  /** Instead of the weather that the seed draws. */
  readonly ledger?: LedgerOptions | undefined;
  /** Operations that are left out. */
  readonly skipped?: ReadonlySet<number> | undefined;
  /** Faults that are left out. */
  readonly masked?: ReadonlySet<string> | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

export interface History {
  readonly violations: readonly Violation[];
  readonly counts: Readonly<Record<string, number>>;
  readonly remains: Remains;
  readonly operations: readonly number[];
  readonly faults: readonly string[];
  readonly events: number;
}

/** The history of a seed, without the parts that are left out. */
export async function runHistory(seed: number, options: HistoryOptions = {}): Promise<History> {
  return new Run(seed, options).run();
}

class Run {
  readonly #options: HistoryOptions;
  readonly #seed: number;
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #oracle: Oracle;
  readonly #settings: Omit<ClientSettings, "skew" | "isWild">;
  readonly #clients: readonly Client[];
  readonly #operations: readonly Operation[];

  constructor(seed: number, options: HistoryOptions) {
    this.#seed = seed;
    this.#options = options;
    const { masked, log } = options;
    const weather = { ...weatherOf(seed), ...options.weather };
    this.#world = new World({ seed, weather, masked, log });
    const isWide = this.#level(1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]) === 1;
    this.#cluster = new Cluster(this.#world, {
      dataCenters: isWide ? 2 : 1,
      reads: "QUORUM",
      writes: "QUORUM",
      hasReadRepair: true,
      maxTombstones: this.#level(2, [8, 12, 20, Infinity]),
      span: SPAN,
      ...options.cluster,
    });
    this.#oracle = new Oracle(this.#world, this.#cluster);
    this.#settings = {
      shards: this.#level(3, [1, 1, 1, 2]),
      gracePeriod: 20_000,
      entriesPerRead: this.#level(4, [1, 2, 3, 5, 500]),
      span: SPAN,
      weakening: options.weakening ?? {},
      ledger: {
        deadline: this.#level(5, [1000, 3000, 6000]),
        attemptTimeout: this.#level(6, [300, 1000]),
        maxBatchTasks: this.#level(7, [1, 2, 4, 256]),
        maxBatchBytes: this.#level(8, [100, 1e6]),
        maxPendingTasks: this.#level(9, [2, 100_000, 100_000]),
        maxPendingBytes: this.#level(10, [200, 1e6]),
        whenFull: this.#level(11, ["wait", "wait", "wait", "fail"]),
        clockLimit: 1000,
        clockInterval: this.#level(12, [5000, 60_000]),
        sweepEvery: this.#level(13, [0, 1, 3]),
        sweepInterval: this.#level(14, [1000, 10_000]),
        ...options.ledger,
      },
    };
    this.#clients = this.#makeClients();
    this.#operations = drawOperations(this.#world, this.#clients, SPAN);
  }

  async run(): Promise<History> {
    const world = this.#world;
    for (const operation of this.#operations) {
      if (this.#options.skipped?.has(operation.id)) continue;
      world.at(operation.start, () =>
        operation.client.begin(operation.key, (life) => {
          this.#start(operation, life);
        }),
      );
    }
    await world.runUntil(SPAN);
    world.log?.("--- nothing goes wrong any more");
    world.isCalm = true;
    this.#cluster.heal();
    await world.runUntil(END);
    this.#oracle.checkEnds();
    for (const client of this.#clients) client.leave();
    await world.runUntil(Infinity);
    this.#oracle.checkOutcomes();
    const remains = await this.#settle();
    const { violations, counts } = this.#oracle;
    const operations = this.#operations.map(({ id }) => id).filter((id) => !this.#options.skipped?.has(id));
    return { violations, counts, remains, operations, faults: world.fired, events: world.events };
  }

  #level<T>(what: number, values: readonly T[]): T {
    return pick(values, fraction(mix(mix(this.#seed, 8), what)));
  }

  #makeClients(): Client[] {
    const count = this.#level(20, [2, 3, 4]);
    const hasWild = this.#level(21, [0, 0, 0, 0, 1]) === 1;
    return Array.from({ length: count }, (_, index) => {
      const isWild = hasWild && index === count - 1;
      const skew = this.#level(22, [0, 0.1, 0.9]) * SECOND;
      // What it would sweep, it would judge by that clock.
      const ledger = { ...this.#settings.ledger, ...(isWild && { sweepEvery: 0 }) };
      return new Client(this.#world, this.#cluster, this.#oracle, index, { ...this.#settings, ledger, skew, isWild });
    });
  }

  #start(operation: Operation, life: Parameters<Parameters<Client["begin"]>[1]>[0]): void {
    const performance = new Performance(this.#world, this.#oracle, operation, life);
    performance.run().catch((error: unknown) => {
      this.#oracle.violate(
        "a call throws",
        `operation ${operation.id} throws ${error instanceof Error ? error.stack : error}`,
      );
    });
  }

  /** Repairs replicas, reads, cleans and sweeps the ledger, and once more later; then judges what is left. */
  async #settle(): Promise<Remains> {
    const world = this.#world;
    world.log?.("--- hours later: hints are delivered, replicas repaired");
    this.#cluster.repairAll();
    await world.runUntil(world.now + 3 * HOUR);
    const closer = new Client(world, this.#cluster, this.#oracle, 7, {
      ...this.#settings,
      ledger: {
        ...this.#settings.ledger,
        sweepEvery: 0,
        maxPendingTasks: 1000,
        maxPendingBytes: 1e6,
        whenFull: "wait",
      },
      skew: 0,
      isWild: false,
      weakening: {},
    });
    let remains = await this.#tidy(closer);
    if (this.#level(30, [0, 0, 1]) === 1) {
      world.log?.("--- weeks later: the sweeps' rows are gone");
      await world.runUntil(world.now + 21 * 24 * HOUR);
      remains = await this.#tidy(closer);
    }
    return remains;
  }

  async #tidy(closer: Client): Promise<Remains> {
    let yielded: { id: string; version: Version }[] = [];
    const started = this.#world.now;
    closer.whenRunning(async (life) => {
      const ledger = await closer.opened(life);
      for (let i = 0; i < 3; i++) {
        yielded = [];
        for await (const page of ledger.all(LIST, { pageSize: 100, maxPageBytes: 1e6 }))
          for (const { id, savedAt: version } of page) yielded.push({ id, version });
        if (i < 2) await ledger.sweep(LIST, undefined);
        await closer.sleep(life, 30 * SECOND);
      }
      this.#oracle.listed({ life, started, horizon: life.horizon(), savedBefore: undefined, yielded, isWhole: true });
    });
    await this.#world.runUntil(this.#world.now + HOUR);
    this.#cluster.repairAll();
    const { shards } = this.#settings;
    const partitions = Array.from({ length: shards }, (_, shard) => this.#cluster.settled(shard));
    const isHidden = (version: Version, id: string) => {
      const { sweep } = partitions[shardOf(id, shards)] ?? {};
      if (!sweep || sweep.expiresAt <= this.#cluster.nowInSeconds) return false;
      return sweep.ranges.some(({ after, before }) => after < version && version < before);
    };
    return this.#oracle.settled(partitions, yielded, isHidden);
  }
}
