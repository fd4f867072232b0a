import { untilAborted } from "../../core/abort.js";
import { TaskError } from "../../core/errors.js";
import { MAX_VERSION, toMilliseconds, type Version } from "../../core/version.js";
import { toTaskError } from "./retry.js";
import type { Runtime } from "./runtime.js";

export interface ClockGuardOptions {
  /** Maximum deviation of the host's clock, in microseconds. */
  readonly limit: Version;
  /** Interval of the comparisons, in milliseconds. */
  readonly interval: number;
}

/** Bounds of how far the servers' clock is ahead of the host's, from a round trip. */
interface Skew {
  readonly least: Version;
  readonly most: Version;
  /** How far it is ahead of the host's monotonic clock, at least. */
  readonly aheadOfMonotonic: Version;
}

/** The resolution of the servers' clock, in microseconds. */
const SERVER_GRAIN = 1000n;

/**
 * Compares the host's clock with the coordinators': when asked to, from time to time, and whenever the host's wall
 * clock and its monotonic clock drift apart, since the clock was then set. While it deviates by more than the limit, nothing
 * may be written: a version must not be far from the time at which it was saved.
 */
export class ClockGuard {
  readonly #runtime: Runtime;
  readonly #options: ClockGuardOptions;
  readonly #readServerClock: () => Promise<Version>;
  /** Until it is measured, the servers' clock may be anywhere. */
  #skew: Skew = { least: 0n, most: 0n, aheadOfMonotonic: -MAX_VERSION };
  #measured: { monotonic: number; offset: number } | undefined;
  #measuring: Promise<void> | undefined;
  /** Whether a call waits for the current comparison. */
  #isAwaited = false;

  constructor(runtime: Runtime, options: ClockGuardOptions, readServerClock: () => Promise<Version>) {
    this.#runtime = runtime;
    this.#options = options;
    this.#readServerClock = readServerClock;
  }

  /** The earliest time that the servers' clock can have now, even if the host's clock was set since they were compared. */
  serverNow(): Version {
    return this.#monotonic() + this.#skew.aheadOfMonotonic;
  }

  /**
   * Resolves when the clock may be trusted. Throws CLOCK_SKEW beyond the limit, ABORTED, and, if the servers' clock has to be
   * read but can't be, TIMEOUT, UNAVAILABLE or OVERLOADED; nothing has been written then.
   */
  async untilTrusted(signal: AbortSignal | undefined): Promise<void> {
    if (this.isTrusted) return;
    try {
      await untilAborted(this.#check(), signal);
    } catch (error) {
      throw toTaskError(error, false);
    }
  }

  async #check(): Promise<void> {
    if (this.#isDue()) {
      const measuring = this.measure();
      // A clock that was set must be compared first; one that was only not compared for a while need not.
      if (this.#wasSet()) this.#isAwaited = true;
      else measuring.catch(() => undefined);
    }
    // First come, first served: versions rise in the order of the saves.
    if (this.#isAwaited) await this.#measuring;
    this.#throwIfSkewed();
  }

  /** Whether there is nothing to wait for. */
  get isTrusted(): boolean {
    return !this.#isAwaited && !this.#isDue();
  }

  /** Compares the clocks now. */
  measure(): Promise<void> {
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined;
      this.#isAwaited = false;
    });
    return this.#measuring;
  }

  async #measure(): Promise<void> {
    let skew = await this.#compare();
    // One coordinator's clock may be wrong; of three the middle one counts.
    if (this.#exceeds(skew)) skew = middle([skew, await this.#compare(), await this.#compare()]);
    this.#skew = skew;
    this.#measured = { monotonic: this.#runtime.monotonic(), offset: this.#offset() };
  }

  /** The server's answer was made at some time between the request and the answer. */
  async #compare(): Promise<Skew> {
    const before = this.#runtime.clock.now();
    const server = await this.#readServerClock();
    const after = this.#runtime.clock.now();
    return {
      least: server - after,
      most: server + SERVER_GRAIN - before,
      aheadOfMonotonic: server - this.#monotonic(),
    };
  }

  /** In microseconds. */
  #monotonic(): Version {
    return BigInt(Math.floor(this.#runtime.monotonic() * 1000));
  }

  #isDue(): boolean {
    if (this.#measured === undefined || this.#wasSet() || this.#isSkewed()) return true;
    return this.#runtime.monotonic() - this.#measured.monotonic > this.#options.interval;
  }

  #wasSet(): boolean {
    if (this.#measured === undefined) return true;
    const drift = Math.abs(this.#offset() - this.#measured.offset);
    return drift > Number(this.#options.limit) / 4000;
  }

  /** The wall clock less the monotonic one, in milliseconds: constant, unless the wall clock is set. */
  #offset(): number {
    return toMilliseconds(this.#runtime.clock.now()) - this.#runtime.monotonic();
  }

  #isSkewed(): boolean {
    return this.#exceeds(this.#skew);
  }

  /** Whether a deviation exceeds the limit, even if the time of the round trip explains a part of it. */
  #exceeds({ least, most }: Skew): boolean {
    return least > this.#options.limit || most < -this.#options.limit;
  }

  #throwIfSkewed(): void {
    if (!this.#isSkewed()) return;
    const { least, most } = this.#skew;
    const milliseconds = toMilliseconds(least > 0n ? least : -most);
    const direction = least > 0n ? "behind" : "ahead of";
    const limit = toMilliseconds(this.#options.limit);
    throw new TaskError(
      "CLOCK_SKEW",
      `this host's clock is at least ${milliseconds} ms ${direction} Cassandra's; the limit is ${limit} ms (clockLimit). ` +
        "Nothing is written until it is set right",
    );
  }
}

function middle(skews: readonly Skew[]): Skew {
  const sorted = [...skews].sort((a, b) => Number(a.least + a.most - b.least - b.most));
  return sorted[1] as Skew;
}
