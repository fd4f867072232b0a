import type { Mutation } from "../../src/adapters/cassandra/model/session.js";
import type { Version } from "../../src/core/version.js";
import { Cells } from "./cells.js";
import { type Merged, mergeEntries, mergeRows } from "./merge.js";
import { mix, pick } from "./random.js";
import { type Answer, type Query, Replica } from "./replica.js";
import { MILLISECOND, SECOND, type World } from "./world.js";

export type Consistency = "QUORUM" | "LOCAL_QUORUM" | "ONE";

export interface ClusterOptions {
  readonly dataCenters: number;
  readonly reads: Consistency;
  readonly writes: Consistency;
  readonly hasReadRepair: boolean;
  /** A read that meets more tombstones on one replica fails; half as many are warned of. */
  readonly maxTombstones: number;
  /** How long faults may occur. */
  readonly span: number;
}

/** The sender of a request, its place, and the key of the random numbers that decide about the request. */
export interface Request {
  readonly key: number;
  readonly dataCenter: number;
  readonly shard: number;
}

export type ReadResult = { readonly merged: Merged; readonly isHeavy: boolean } | "tombstones";

export interface WriteCalls {
  /** The key of the first attempt. */
  readonly first: number;
  /** Whether the request is sent to a replica at all. */
  readonly reaches: (replica: Replica) => boolean;
  readonly applied: () => void;
  readonly done: () => void;
}

interface Outage {
  readonly from: number;
  readonly to: number;
}

/** How long a sweep's row is kept. */
const SWEEP_TTL_SECONDS = 20 * 24 * 3600;

/** The moment at which simulated time begins, in microseconds since 1970. */
export const EPOCH: Version = 1_700_000_000_000_000n;

/** The random fate of a message. */
const [LATENCY, DELAY, HINT, AWAY, ANSWER, AGAIN] = [1, 2, 3, 4, 5, 6] as const;

/** Three replicas in each data centre, and the coordinators' part: quorums, blocking read repair, hints. */
export class Cluster {
  readonly replicas: readonly Replica[];
  readonly options: ClusterOptions;
  readonly #world: World;
  readonly #outages: Outage[][];
  readonly #cuts: Outage[];
  readonly #clockOffsets: number[];

  constructor(world: World, options: ClusterOptions) {
    this.#world = world;
    this.options = options;
    this.replicas = Array.from({ length: 3 * options.dataCenters }, (_, i) => new Replica(i, Math.floor(i / 3)));
    this.#outages = this.replicas.map(({ index }) => this.#drawOutages("down", 900 + index));
    this.#cuts = options.dataCenters > 1 ? this.#drawOutages("cut", 990) : [];
    const skew = pick([0, 0.02, 0.1], world.roll(991, 1)) * SECOND;
    this.#clockOffsets = this.replicas.map(({ index }) => skew * (2 * world.roll(991, 10 + index) - 1));
    // Now and then a server has a wrong clock. If a host's clock is ahead by the same, nobody can notice.
    const wild = world.weather.wildClock > 0 ? [-3600, -5] : [-3600, -5, 5, 3600];
    if (world.roll(991, 2) < 0.1) this.#clockOffsets[0] = pick(wild, world.roll(991, 3)) * SECOND;
  }

  get nowInSeconds(): number {
    return Math.floor(this.#world.now / SECOND);
  }

  quorumOf(consistency: Consistency): number {
    if (consistency === "ONE") return 1;
    return consistency === "LOCAL_QUORUM" ? 2 : Math.floor(this.replicas.length / 2) + 1;
  }

  /** Whether the coordinators know that too few replicas are up. */
  isUnavailable(request: Request, consistency: Consistency): boolean {
    const up = this.#replicasFor(request, consistency).filter(
      (replica) => !this.#isAway(replica, request.dataCenter, this.#world.now),
    );
    return up.length < this.quorumOf(consistency);
  }

  /** The clock of one coordinator, to the millisecond. */
  serverClock(key: number): Version {
    const offset = pick(this.#clockOffsets, this.#world.roll(key, 50));
    return EPOCH + BigInt(Math.floor((this.#world.now + offset) / MILLISECOND)) * 1000n;
  }

  /** Calls back whenever a replica applies it, and once enough replicas have acknowledged it, which may be never. */
  write(request: Request, mutations: readonly Mutation[], { first, reaches, applied, done }: WriteCalls): void {
    const { writes } = this.options;
    const world = this.#world;
    const expiresAt = this.nowInSeconds + SWEEP_TTL_SECONDS;
    const one = world.fault("one", first) ? pick(this.replicas, world.roll(first, 41)) : undefined;
    let missing = this.quorumOf(writes);
    for (const replica of this.replicas) {
      if (!reaches(replica) || (one && one !== replica)) continue;
      const counts = writes !== "LOCAL_QUORUM" || replica.dataCenter === request.dataCenter;
      const apply = () => {
        replica.apply(request.shard, mutations, expiresAt);
        applied();
      };
      this.#send(request, replica, true, apply, () => {
        if (counts && --missing === 0) done();
      });
    }
  }

  /** Calls back once enough replicas have answered and those that lacked something were repaired; maybe never. */
  read(request: Request, query: Query, done: (result: ReadResult) => void): void {
    const { reads } = this.options;
    const candidates = this.#replicasFor(request, reads);
    const first = Math.floor(candidates.length * this.#world.roll(request.key, 20));
    const asked = Array.from(
      { length: this.quorumOf(reads) },
      (_, i) => candidates[(first + i) % candidates.length] as Replica,
    );
    const answers: Answer[] = [];
    let missing = asked.length;
    for (const [i, replica] of asked.entries())
      this.#ask(request, replica, query, (answer) => {
        answers[i] = answer;
        if (--missing === 0) this.#resolve(request, query, asked, answers, done);
      });
  }

  /** The effect of an anti-entropy repair. */
  repairAll(): void {
    const shards = new Set(this.replicas.flatMap(({ shards }) => shards));
    for (const shard of shards) {
      const all = this.settled(shard);
      for (const replica of this.replicas) replica.cellsOf(shard).mergeAll(all);
    }
  }

  /** All cells of a partition, of all replicas. */
  settled(shard: number): Cells {
    const all = new Cells();
    for (const replica of this.replicas) all.mergeAll(replica.cellsOf(shard));
    return all;
  }

  /** From now on all replicas are up and reach each other, and their clocks are right. */
  heal(): void {
    for (const outages of this.#outages) outages.length = 0;
    this.#cuts.length = 0;
    this.#clockOffsets.fill(0);
  }

  #replicasFor({ dataCenter }: Request, consistency: Consistency): readonly Replica[] {
    if (consistency !== "LOCAL_QUORUM") return this.replicas;
    return this.replicas.filter((replica) => replica.dataCenter === dataCenter);
  }

  #resolve(
    request: Request,
    query: Query,
    asked: readonly Replica[],
    answers: Answer[],
    done: (result: ReadResult) => void,
  ): void {
    const tombstones = Math.max(...answers.map((answer) => answer.tombstones));
    if (tombstones > this.options.maxTombstones) {
      done("tombstones");
      return;
    }
    const merged = query.kind === "entries" ? mergeEntries(query, answers) : mergeRows(answers);
    if ("short" in merged) {
      this.#askForMore(request, query, asked, answers, merged.short, done);
      return;
    }
    const result = { merged, isHeavy: tombstones > this.options.maxTombstones / 2 };
    const stale = asked.filter((_, i) => merged.repairs[i]);
    if (!this.options.hasReadRepair || stale.length === 0) {
      done(result);
      return;
    }
    let missing = stale.length;
    const repair = { ...request, key: mix(request.key, 60) };
    for (const [i, replica] of asked.entries()) {
      const cells = merged.repairs[i];
      if (!cells) continue;
      const apply = () => replica.cellsOf(request.shard).mergeAll(cells);
      this.#send(repair, replica, false, apply, () => --missing === 0 && done(result));
    }
  }

  #askForMore(
    request: Request,
    query: Query,
    asked: readonly Replica[],
    answers: Answer[],
    short: readonly number[],
    done: (result: ReadResult) => void,
  ): void {
    const again = { ...request, key: mix(request.key, 61) };
    let missing = short.length;
    for (const i of short) {
      const before = answers[i] as Answer;
      const { stoppedAt, cells } = before;
      if (query.kind !== "entries" || stoppedAt === undefined) throw new Error("it was not stopped");
      const rest = query.isReversed ? { ...query, before: stoppedAt } : { ...query, after: stoppedAt };
      this.#ask(again, asked[i] as Replica, rest, (more) => {
        more.cells.mergeAll(cells);
        answers[i] = { ...more, tombstones: Math.max(more.tombstones, before.tombstones) };
        if (--missing === 0) this.#resolve(again, query, asked, answers, done);
      });
    }
  }

  #ask(request: Request, replica: Replica, query: Query, answered: (answer: Answer) => void): void {
    this.#send(request, replica, false, () => replica.read(request.shard, query, this.nowInSeconds), answered);
  }

  /** Sends one message to one replica. A write that misses it arrives later, as a hint, or never. */
  #send<T>(request: Request, replica: Replica, isWrite: boolean, act: () => T, answered: (answer: T) => void): void {
    const world = this.#world;
    const key = mix(request.key, replica.index);
    const way = request.dataCenter === replica.dataCenter ? 0 : 40 * MILLISECOND;
    const latency = (what: number) => (1 + 9 * world.roll(key, what)) * MILLISECOND + way;
    let arrival = world.now + latency(LATENCY);
    if (world.fault("slow", key)) arrival += 4 * SECOND * world.roll(key, DELAY);
    if (world.fault("lost", key)) {
      if (!isWrite || world.fault("noHint", key)) return;
      arrival += (2 + 90 * world.roll(key, HINT) ** 2) * SECOND;
    }
    for (let outage = this.#isAway(replica, request.dataCenter, arrival); outage; ) {
      if (!isWrite || world.fault("noHint", mix(key, AWAY))) return;
      arrival = outage.to + 10 * SECOND * world.roll(key, AWAY);
      outage = this.#isAway(replica, request.dataCenter, arrival);
    }
    world.at(arrival, () => {
      const answer = act();
      if (!world.fault("lost", mix(key, ANSWER))) world.after(latency(ANSWER), () => answered(answer));
    });
    if (isWrite && world.fault("repeated", key)) world.at(arrival + 90 * SECOND * world.roll(key, AGAIN) ** 2, act);
  }

  #isAway(replica: Replica, dataCenter: number, time: number): Outage | undefined {
    const cuts = replica.dataCenter === dataCenter ? [] : this.#cuts;
    return [...(this.#outages[replica.index] ?? []), ...cuts].find(({ from, to }) => time >= from && time < to);
  }

  #drawOutages(kind: "down" | "cut", key: number): Outage[] {
    const outages: Outage[] = [];
    for (let i = 0; i < 2; i++) {
      const each = mix(key, i);
      if (!this.#world.fault(kind, each)) continue;
      const from = this.options.span * this.#world.roll(each, 1);
      outages.push({ from, to: from + (1 + 80 * this.#world.roll(each, 2)) * SECOND });
    }
    return outages;
  }
}
