import type { Runtime } from "../../src/adapters/cassandra/runtime.js";
import { type Version, VersionClock } from "../../src/core/version.js";
import { EPOCH } from "./cluster.js";
import { mix } from "./random.js";
import { MILLISECOND, SECOND, type World } from "./world.js";

/** A host's wall clock: it deviates by up to a limit, is set from time to time, and now and then is completely wrong. */
export class WallClock {
  readonly #world: World;
  readonly #key: number;
  readonly #skew: number;
  readonly #isCoarse: boolean;
  readonly #lowDigits: bigint;
  readonly #wild: { readonly from: number; readonly to: number; readonly offset: number } | undefined;
  /** A deviation that a test adds. */
  offset = 0;

  /** `skew` in microseconds. */
  constructor(world: World, key: number, skew: number, span: number) {
    this.#world = world;
    this.#key = key;
    this.#skew = skew;
    this.#isCoarse = world.roll(key, 1) < 0.5;
    this.#lowDigits = BigInt(Math.floor(world.roll(key, 2) * 4));
    if (!world.fault("wildClock", key)) return;
    const from = span * world.roll(key, 3);
    const offset = (world.roll(key, 5) < 0.3 ? 5 : 3600) * SECOND;
    this.#wild = { from, to: from + 60 * SECOND * world.roll(key, 4), offset };
  }

  /** Maximum deviation without a fault, in microseconds. */
  get skew(): number {
    return this.#skew;
  }

  now(): Version {
    const { now } = this.#world;
    const wild = this.#wild;
    const step = 2 * this.#world.roll(mix(this.#key, 6), Math.floor(now / (17 * SECOND))) - 1;
    const off = this.offset + this.#skew * step + (wild && now >= wild.from && now < wild.to ? wild.offset : 0);
    const micros = BigInt(Math.floor(now + off));
    return EPOCH + (this.#isCoarse ? (micros / 1000n) * 1000n + this.#lowDigits : micros);
  }
}

export type ClockMaker = (wallClock: () => Version, limit: Version) => VersionClock;

export const makeClock: ClockMaker = (wallClock, limit) => new VersionClock(wallClock, limit);

export interface RuntimeOptions {
  readonly world: World;
  readonly clock: VersionClock;
  /** Of the process's random numbers. */
  readonly key: number;
  /** Runs what a timer of the process calls; later where it is stopped, never where it has died. */
  readonly enter: (run: () => void) => void;
}

/** The runtime of one run of a process, in simulated time. */
export function simulatedRuntime({ world, clock, key, enter }: RuntimeOptions): Runtime {
  const boot = world.now;
  let rolls = 0;
  const after = (milliseconds: number, callback: () => void) => {
    let isCancelled = false;
    world.after(milliseconds * MILLISECOND, () => {
      if (isCancelled) return;
      enter(() => {
        if (!isCancelled) callback();
      });
    });
    return () => {
      isCancelled = true;
    };
  };
  return {
    clock,
    monotonic: () => 1000 + (world.now - boot) / MILLISECOND,
    after,
    later: after,
    random: () => world.roll(key, 100 + rolls++),
  };
}
