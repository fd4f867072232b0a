import { processClock, type VersionClock } from "../../core/version.js";

/** What the adapter takes from the machine that it runs on: a clock, timers and dice. Simulations bring their own. */
export interface Host {
  /** Makes versions, and tells the time in microseconds. */
  readonly clock: VersionClock;
  /** Milliseconds on a clock that only goes forward. */
  monotonic(): number;
  /** Calls back after so many milliseconds, unless the function that it gives is called before. */
  after(milliseconds: number, callback: () => void): () => void;
  /** The same for what the process need not go on running for. */
  later(milliseconds: number, callback: () => void): () => void;
  /** From 0 to below 1. */
  random(): number;
}

export const processHost: Host = {
  clock: processClock,
  monotonic: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  later(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds).unref();
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

export function sleep(host: Host, milliseconds: number): Promise<void> {
  return new Promise((resolve) => host.after(milliseconds, resolve));
}
