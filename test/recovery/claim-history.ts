import type { ClaimHolding, ClaimState } from "../../src/adapter/claim-store.js";
import { ClockGuard } from "../../src/adapters/cassandra/clock-guard.js";
import { CassandraClaims } from "../../src/adapters/cassandra/ledger/claims.js";
import { type ClaimRow, type ClaimSession, SessionError } from "../../src/adapters/cassandra/model/session.js";
import { VersionClock } from "../../src/core/version.js";
import { ClaimTable } from "../cassandra-adapter/claim-table.js";
import { EPOCH } from "../simulation/cluster.js";
import { simulatedRuntime, WallClock } from "../simulation/host.js";
import { faultKinds, type Weather } from "../simulation/weather.js";
import { MILLISECOND, SECOND, World } from "../simulation/world.js";

const key = { taskList: "l", id: "a" };
const CLOCK_LIMIT = 500;
const LEASE = 3_000;
/** The part of a lease that its holder counts on. */
const GUARD = 0.9;
const WORKERS = 5;
const END = 300 * SECOND;

/** What goes wrong here is made here. */
const calm = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Weather;

/** What must be wrong for a history to be broken. */
export interface Weakness {
  /** In milliseconds; twice the limit of the clocks is right. */
  readonly tolerance?: number;
  /** Whether a claim is granted whatever has become of the row since it was read. */
  readonly blind?: boolean;
  /** Whether a renewal that comes late makes the lease end when it says. */
  readonly shortens?: boolean;
  /** Whether a claim of unknown outcome counts as granted. */
  readonly hopeful?: boolean;
}

export interface History {
  readonly grants: number;
  readonly renewals: number;
  readonly unknown: number;
  readonly completed: number;
  /** What must never happen. */
  readonly breaches: readonly string[];
}

/** A worker's right to the task, as far as the worker knows. In simulated microseconds. */
interface Tenure {
  readonly worker: number;
  readonly version: bigint;
  readonly token: bigint;
  readonly from: number;
  to: number;
}

/** Workers on hosts whose clocks differ, who want one task, through a store whose answers come late or not at all. */
export class ClaimHistory {
  readonly #world: World;
  readonly #table = new ClaimTable();
  readonly #weakness: Weakness;
  readonly #tenures: Tenure[] = [];
  readonly #counts = { grants: 0, renewals: 0, unknown: 0, completed: 0 };
  #version: bigint = EPOCH;
  #rolls = 0;

  constructor(seed: number, weakness: Weakness = {}) {
    this.#world = new World({ seed, weather: calm });
    this.#weakness = weakness;
  }

  async run(): Promise<History> {
    for (let worker = 0; worker < WORKERS; worker++) void this.#work(worker);
    await this.#world.runUntil(END);
    return { ...this.#counts, breaches: this.#judge() };
  }

  async #work(worker: number): Promise<void> {
    const claims = this.#claimsOf(worker);
    for (;;) {
      await this.#sleep(this.#roll() * 1_000);
      const asked = this.#world.now;
      const version = this.#version;
      const request = { ...key, savedAt: version, owner: `${worker}`, lease: LEASE };
      const state = await claims.claim(request, undefined).catch(() => this.#unknown(version, worker));
      if (state) await this.#hold(claims, this.#begin(worker, version, state, asked));
    }
  }

  #begin(worker: number, version: bigint, { token }: ClaimState, asked: number): Tenure {
    this.#counts.grants++;
    const tenure = { worker, version, token, from: this.#world.now, to: asked + GUARD * LEASE * MILLISECOND };
    this.#tenures.push(tenure);
    return tenure;
  }

  /** Works a while, with renewals; then releases the claim, completes the task, or uses the lease to its end. */
  async #hold(claims: CassandraClaims, tenure: Tenure): Promise<void> {
    const holding = { ...key, token: tenure.token };
    while (this.#roll() < 0.6 && this.#world.now < tenure.to) {
      await this.#sleep(this.#roll() * LEASE);
      const asked = this.#world.now;
      const until = await claims.renew(holding, LEASE, undefined).catch(() => "unknown" as const);
      if (until === "unknown") continue;
      if (until === undefined) tenure.to = Math.min(tenure.to, this.#world.now);
      if (this.#world.now >= tenure.to) return;
      this.#counts.renewals++;
      tenure.to = asked + GUARD * LEASE * MILLISECOND;
    }
    const end = this.#roll();
    if (end < 0.3) return this.#sleep((tenure.to - this.#world.now) / MILLISECOND);
    tenure.to = Math.min(tenure.to, this.#world.now);
    if (end < 0.6) return claims.release(holding, this.#roll() < 0.5 ? 0 : 500, undefined).catch(() => undefined);
    this.#counts.completed++;
    if (this.#version === tenure.version) this.#version += 1_000_000n;
    await claims.forget(holding, undefined).catch(() => undefined);
  }

  /** Whether it was granted nobody knows; it does not count. */
  #unknown(savedAt: bigint, worker: number): ClaimState | undefined {
    this.#counts.unknown++;
    const token = EPOCH + BigInt(Math.floor(this.#world.now));
    return this.#weakness.hopeful ? { savedAt, owner: `${worker}`, token, attempt: 1, until: 0 } : undefined;
  }

  #claimsOf(worker: number): CassandraClaims {
    const limit = BigInt(CLOCK_LIMIT) * 1000n;
    const wall = new WallClock(this.#world, 77 + worker, CLOCK_LIMIT * MILLISECOND, END);
    const clock = new VersionClock(() => wall.now(), limit);
    const host = simulatedRuntime({ world: this.#world, clock, key: worker, enter: (run) => run() });
    const readClock = async () => EPOCH + BigInt(Math.floor(this.#world.now));
    const guard = new ClockGuard(host, { limit, interval: 10_000 }, readClock);
    return new CassandraClaims(this.#session(), host, guard, {
      policy: { deadline: 2_000, attemptTimeout: 1_000 },
      tolerance: this.#weakness.tolerance ?? 2 * CLOCK_LIMIT,
      versionOf: () => this.#answer(async () => this.#version, false),
    });
  }

  #session(): ClaimSession {
    return {
      readClaim: (claim) => this.#answer(() => this.#table.readClaim(claim), false),
      readStates: (list, ids) => this.#answer(() => this.#table.readStates(list, ids), false),
      replaceClaim: (claim, before, after) =>
        this.#answer(() => this.#table.replaceClaim(claim, this.#seen(before), after), true),
      renewClaim: (holding, until) => this.#answer(() => this.#renew(holding, until), true),
      endClaim: (holding, end) => this.#answer(() => this.#table.endClaim(holding, end), true),
    };
  }

  async #renew(holding: ClaimHolding, until: number): Promise<number | undefined> {
    const row = this.#table.row(key);
    const end = await this.#table.renewClaim(holding, until);
    const state = row.state && { ...row.state, until };
    if (this.#weakness.shortens && end !== undefined) this.#table.put(key, { ...row, until, state });
    return end;
  }

  #seen(before: ClaimRow): ClaimRow {
    return this.#weakness.blind ? this.#table.row(key) : before;
  }

  /** A request takes its time to the store, and its answer back; either may be lost, and a request may come too late. */
  async #answer<T>(act: () => Promise<T>, isWrite: boolean): Promise<T> {
    const isLost = this.#roll() < 0.05;
    const isLate = this.#roll() < 0.05;
    await this.#sleep(this.#roll() * 30);
    const lose = async (): Promise<never> => {
      await this.#sleep(1_000);
      throw new SessionError("timeout", isWrite, "no answer");
    };
    if (isLate) {
      void this.#sleep(this.#roll() * 4_000).then(act);
      return lose();
    }
    if (isLost && this.#roll() < 0.5) return lose();
    const result = await act();
    await this.#sleep(this.#roll() * 30);
    return isLost ? lose() : result;
  }

  /** In milliseconds. */
  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#world.after(milliseconds * MILLISECOND, resolve));
  }

  #roll(): number {
    return this.#world.roll(1, this.#rolls++);
  }

  #judge(): string[] {
    return this.#tenures.flatMap((before, i) =>
      this.#tenures.slice(i + 1).flatMap((after) => {
        const who = `workers ${before.worker} and ${after.worker}, tokens ${before.token} and ${after.token}`;
        const together = before.version === after.version && after.from < before.to;
        return [
          ...(together ? [`${who}: both had version ${before.version} at ${after.from / SECOND} s`] : []),
          ...(after.token === before.token ? [`${who}: the token is repeated`] : []),
          ...(after.version === before.version && after.token < before.token ? [`${who}: tokens fall`] : []),
        ];
      }),
    );
  }
}
