import { untilAborted } from "../../core/abort.js";
import { TaskError } from "../../core/errors.js";
import { MAX_VERSION, toMilliseconds, type Version } from "../../core/version.js";
import type { Runtime } from "./runtime.js";

export interface ClockGuardOptions {
  /** Maximum deviation of the host's clock, in microseconds. */
  readonly limit: Version;
  /** Interval of the comparisons, in milliseconds. */
  readonly interval: number;
}

/** What one comparison of the clocks, a round trip, has shown, in microseconds. */
interface Comparison {
  /** Bounds of how far the servers' clock is ahead of the host's. */
  readonly least: Version;
  readonly most: Version;
  /** When it was made, on the monotonic clock, and how far the host's clock was ahead of that one. */
  readonly madeAt: Version;
  readonly offset: Version;
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
  #last: Comparison | undefined;
  #measuring: Promise<void> | undefined;
  /** Whether calls wait for the current comparison. */
  #isAwaited = false;

  constructor(runtime: Runtime, options: ClockGuardOptions, readServerClock: () => Promise<Version>) {
    this.#runtime = runtime;
    this.#options = options;
    this.#readServerClock = readServerClock;
  }

  /**
   * The earliest time that the servers' clock can have now, even if the host's clock was set since they were compared. If they
   * were not compared yet, any time.
   */
  serverNow(): Version {
    return this.#monotonic() + (this.#last ? this.#last.offset + this.#last.least : -MAX_VERSION);
  }

  /**
   * Resolves when the clock may be trusted. Throws CLOCK_SKEW beyond the limit, ABORTED, and, if the servers' clock has to be
   * read but can't be, what reading it throws; nothing has been written then.
   */
  async untilTrusted(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isDue()) {
      const measuring = this.measure();
      // A clock that was set must be compared first; one that was only not compared for a while need not.
      if (this.#wasSet()) this.#isAwaited = true;
      else measuring.catch(() => undefined);
    }
    // First come, first served: versions rise in the order of the saves.
    if (this.#isAwaited && this.#measuring) await untilAborted(this.#measuring, signal);
    if (this.#last && this.#isSkewed(this.#last)) throw this.#skewError(this.#last);
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
    const first = await this.#compare();
    // One coordinator's clock may be wrong; of three the middle one counts.
    this.#last = this.#isSkewed(first) ? middle([first, await this.#compare(), await this.#compare()]) : first;
  }

  /** The server's answer was made at some time between the request and the answer. */
  async #compare(): Promise<Comparison> {
    const before = this.#runtime.clock.now();
    const server = await this.#readServerClock();
    const least = server - this.#runtime.clock.now();
    return { least, most: server + SERVER_GRAIN - before, madeAt: this.#monotonic(), offset: this.#offset() };
  }

  #isDue(): boolean {
    if (this.#last === undefined || this.#wasSet() || this.#isSkewed(this.#last)) return true;
    return this.#monotonic() - this.#last.madeAt > BigInt(this.#options.interval) * 1000n;
  }

  #wasSet(): boolean {
    if (this.#last === undefined) return true;
    const drift = this.#offset() - this.#last.offset;
    return (drift < 0n ? -drift : drift) > this.#options.limit / 4n;
  }

  /** Whether a deviation exceeds the limit, even if the time of the round trip explains a part of it. */
  #isSkewed({ least, most }: Comparison): boolean {
    return least > this.#options.limit || most < -this.#options.limit;
  }

  /** How far the host's clock is ahead of the monotonic one: constant, unless it is set. */
  #offset(): Version {
    return this.#runtime.clock.now() - this.#monotonic();
  }

  #monotonic(): Version {
    return BigInt(Math.floor(this.#runtime.monotonic() * 1000));
  }

  #skewError({ least, most }: Comparison): TaskError {
    const milliseconds = toMilliseconds(least > 0n ? least : -most);
    const direction = least > 0n ? "behind" : "ahead of";
    const limit = toMilliseconds(this.#options.limit);
    return new TaskError(
      "CLOCK_SKEW",
      `this host's clock is at least ${milliseconds} ms ${direction} Cassandra's; the limit is ${limit} ms (clockLimit). ` +
        "Nothing is written until it is set right",
    );
  }
}

function middle(comparisons: readonly Comparison[]): Comparison {
  const sorted = [...comparisons].sort((a, b) => Number(a.least + a.most - b.least - b.most));
  return sorted[1] as Comparison;
}
