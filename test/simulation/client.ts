import type { Outcome } from "../../src/adapter/adapter.js";
import { type LedgerOptions, resolveLedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import { Ledger } from "../../src/adapters/cassandra/ledger/ledger.js";
import { type LedgerRules, ledgerRules } from "../../src/adapters/cassandra/ledger/rules.js";
import type { LedgerSession, Mutation } from "../../src/adapters/cassandra/model/session.js";
import { TaskError } from "../../src/core/errors.js";
import type { Version, VersionClock } from "../../src/core/version.js";
import type { Cluster } from "./cluster.js";
import { Holders } from "./holder.js";
import { type ClockMaker, makeClock, simulatedRuntime, WallClock } from "./host.js";
import type { Life, Oracle } from "./oracle.js";
import { keyOf, mix } from "./random.js";
import { SimulatedSession } from "./session.js";
import { SECOND, type World } from "./world.js";

/** The parts of the adapter that are replaced by weaker ones. */
export interface Weakening {
  readonly rules?: ((access: Access) => Partial<LedgerRules>) | undefined;
  readonly clock?: ClockMaker | undefined;
  readonly session?: ((session: LedgerSession, access: Access) => LedgerSession) | undefined;
  /** Replaces the outcome of a save. */
  readonly outcome?: ((outcome: Outcome<Version>) => Outcome<Version>) | undefined;
}

/** What a weakened part may use. */
export interface Access {
  readonly session: LedgerSession;
  readonly shards: number;
  /** The process's clock. */
  readonly now: () => Version;
}

export interface ClientSettings {
  readonly shards: number;
  /** The keyspace's, in milliseconds. */
  readonly gracePeriod: number;
  readonly entriesPerRead: number;
  readonly ledger: LedgerOptions;
  /** How far its clock may be off, in microseconds. */
  readonly skew: number;
  /** Whether its clock is far ahead, and so is that of the server that it asks for the time. */
  readonly isWild: boolean;
  readonly span: number;
  readonly weakening: Weakening;
}

/** One run of the process, until it dies. */
export interface Running extends Life {
  readonly ledger: Ledger;
  readonly clock: VersionClock;
  /** Calls that closing waits for. */
  readonly calls: Set<Promise<unknown>>;
  /** Aborted when the ledger must be closed. */
  readonly closing: AbortController;
}

/** How long after a close the ledger is opened again. */
const CLOSED_FOR = 10 * SECOND;

/** One host, and the process on it that uses the ledger: it can be stopped, die, and start again. */
export class Client {
  readonly index: number;
  readonly dataCenter: number;
  readonly isWild: boolean;
  readonly holders = new Holders();
  readonly wall: WallClock;
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #oracle: Oracle;
  readonly #settings: ClientSettings;
  #lives = 0;
  #life: Running | undefined;
  #opening: Promise<void> | undefined;
  #stoppedUntil = 0;
  /** Callbacks that wait for the process to start again. */
  #waiting: ((life: Running) => void)[] = [];

  constructor(world: World, cluster: Cluster, oracle: Oracle, index: number, settings: ClientSettings) {
    this.#world = world;
    this.#cluster = cluster;
    this.#oracle = oracle;
    this.#settings = settings;
    this.index = index;
    this.isWild = settings.isWild;
    this.dataCenter = index % cluster.options.dataCenters;
    this.wall = new WallClock(world, 500 + index, settings.skew, settings.span);
    if (settings.isWild) this.wall.offset = 7200 * SECOND;
    this.start();
  }

  start(): void {
    const name = `${"ABCDEFGH"[this.index]}${++this.#lives}`;
    const { weakening, ledger: options, shards, gracePeriod, entriesPerRead } = this.#settings;
    if (this.#life) this.#oracle.died(this.#life);
    this.#world.log?.(`${name} starts`);
    const limit = BigInt((options.clockLimit ?? 1000) * 1000);
    const clock = (weakening.clock ?? makeClock)(() => this.wall.now(), limit);
    const process = {
      name,
      dataCenter: this.dataCenter,
      step: (key: number, run: () => void) => this.#step(name, key, run),
      serverClock: this.isWild ? () => this.wall.now() : undefined,
      onApplied: (mutation: Mutation) => this.#oracle.applied(life, mutation),
    };
    const plain = new SimulatedSession(this.#world, this.#cluster, process);
    const access = { session: plain, shards, now: () => clock.now() };
    const session = weakening.session?.(plain, access) ?? plain;
    const runtime = simulatedRuntime({
      world: this.#world,
      clock,
      key: keyOf(name),
      enter: (run) => this.#enter(name, run),
    });
    const rules: LedgerRules = { ...ledgerRules, ...weakening.rules?.({ ...access, session }) };
    const mayRemoveAbsent: LedgerRules["mayRemoveAbsent"] = (place, limit) => {
      const may = rules.mayRemoveAbsent(place, limit);
      if (may) this.#oracle.removes(life, place);
      return may;
    };
    const saving: LedgerRules["saving"] = (entry, savedAt) => {
      this.#oracle.tries(entry, savedAt);
      return rules.saving(entry, savedAt);
    };
    const ledger = new Ledger({
      session,
      settings: { shards, dataCenter: "dc", gracePeriod },
      options: resolveLedgerOptions(options),
      runtime,
      rules: { ...rules, saving, mayRemoveAbsent },
      entriesPerRead,
    });
    const horizon = () => this.wall.now() + 2n * limit;
    const life: Running = {
      name,
      ledger,
      clock,
      met: 0n,
      horizon,
      calls: new Set(),
      closing: new AbortController(),
    };
    this.#life = life;
    this.#opening = undefined;
    for (const wake of this.#waiting.splice(0)) wake(life);
  }

  /** Applies the outcome of a save to its holder. */
  told(outcome: Outcome<Version>): Outcome<Version> {
    return this.#settings.weakening.outcome?.(outcome) ?? outcome;
  }

  /** Calls back in the current run of the process, or when it starts again. */
  whenRunning(call: (life: Running) => void): void {
    if (this.#life && !this.#life.closing.signal.aborted) call(this.#life);
    else this.#waiting.push(call);
  }

  /** Like the adapter: the ledger is opened once; after a failed attempt, the next call tries again. */
  async opened({ ledger, closing }: Running): Promise<Ledger> {
    if (closing.signal.aborted) throw new TaskError("CLOSED", "the ledger is closed");
    this.#opening ??= ledger.open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    await this.#opening;
    return ledger;
  }

  /** Like the adapter: waits for the calls in flight, then for background work. */
  async close({ ledger, calls, closing, name }: Running): Promise<void> {
    if (closing.signal.aborted) return;
    closing.abort();
    while (calls.size > 0) await Promise.allSettled(calls);
    await ledger.close();
    this.#world.log?.(`${name} is closed`);
    this.#world.after(CLOSED_FOR, () => this.#life?.name === name && this.start());
  }

  /** The process dies, and is started again after a while. */
  crash(key: number): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#world.log?.(`${life.name} dies`);
    this.#life = undefined;
    this.#stoppedUntil = 0;
    this.holders.clear();
    this.#oracle.died(life);
    this.#world.after(10 * SECOND * this.#world.roll(key, 34), () => this.start());
  }

  /** The process ends for good, with all its calls in flight. */
  leave(): void {
    this.#life = undefined;
    this.#waiting = [];
  }

  /** Waits, in the process. */
  sleep({ name }: Life, microseconds: number): Promise<void> {
    return new Promise((resolve) => this.#world.after(microseconds, () => this.#enter(name, resolve)));
  }

  /** Runs a step of the process, which may stop or die before. */
  #step(name: string, key: number, run: () => void): void {
    const life = this.#life;
    if (life?.name !== name) return;
    if (this.#world.fault("pause", key)) {
      const longest = this.#world.roll(key, 31) < 0.5 ? 50 : 2;
      const end = this.#world.now + longest * SECOND * this.#world.roll(key, 32);
      this.#stoppedUntil = Math.max(this.#stoppedUntil, end);
    }
    if (this.#world.fault("crash", key)) this.crash(key);
    else this.#enter(name, run);
  }

  #enter(name: string, run: () => void): void {
    if (this.#life?.name !== name) return;
    if (this.#stoppedUntil > this.#world.now) this.#world.at(this.#stoppedUntil, () => this.#enter(name, run));
    else run();
  }

  /** An operation begins: a step of the process like any other. */
  begin(key: number, run: (life: Running) => void): void {
    this.whenRunning((life) => this.#step(life.name, mix(key, 3), () => run(life)));
  }
}
