import { processClock, type VersionClock } from "../../core/version.js";

/** What the adapter needs of the machine: a clock, timers and random numbers. The simulation has its own. */
export interface Runtime {
  /** Makes versions, and tells the time in microseconds. */
  readonly clock: VersionClock;
  /** Milliseconds on a clock that only goes forward. */
  monotonic(): number;
  /** Calls back after a delay in milliseconds, unless the returned function is called before. */
  after(milliseconds: number, callback: () => void): () => void;
  /** The same, but does not keep the process running. */
  later(milliseconds: number, callback: () => void): () => void;
  /** From 0 to below 1. */
  random(): number;
}

const cancelling = (timer: NodeJS.Timeout) => () => clearTimeout(timer);

export const processRuntime: Runtime = {
  clock: processClock,
  monotonic: () => performance.now(),
  after: (milliseconds, callback) => cancelling(setTimeout(callback, milliseconds)),
  later: (milliseconds, callback) => cancelling(setTimeout(callback, milliseconds).unref()),
  random: Math.random,
};

export function sleep(runtime: Runtime, milliseconds: number): Promise<void> {
  return new Promise((resolve) => runtime.after(milliseconds, resolve));
}
