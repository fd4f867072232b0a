import { invalidArgument } from "../../errors.js";
import { MAX_DURATION } from "../../options.js";
import { DEFAULT_CLOCK_LIMIT } from "../../version.js";
import type { BatchLimits } from "./batching/group-commit.js";
import type { InFlightLimits } from "./batching/in-flight-limit.js";
import type { ClockGuardOptions } from "./clock-guard.js";
import { checkGracePeriod } from "./model/settings.js";
import type { RetryPolicy } from "./retry.js";

/** How the adapter works. Times are in milliseconds. */
export interface LedgerOptions {
  /**
   * How long a read or a write may take in all, its retries included; 10,000 by default. A write is answered then, whatever
   * is under way. Waiting for room (`whenFull: "wait"`) does not count: how long that takes is up to those who write, and
   * whoever wants to bound it gives a signal.
   */
  readonly deadline?: number | undefined;
  /** How long one attempt may take; 3,000 by default. */
  readonly attemptTimeout?: number | undefined;
  /** The most tasks that leave for one partition in one batch; 256 by default. Saves and completes alone: 64. */
  readonly maxBatchTasks?: number | undefined;
  /** The most bytes of envelopes that do; 1 MiB by default. */
  readonly maxBatchBytes?: number | undefined;
  /** The most tasks that may wait for an acknowledgement; 100,000 by default. */
  readonly maxPendingTasks?: number | undefined;
  /** The most bytes of their envelopes; 64 MiB by default. */
  readonly maxPendingBytes?: number | undefined;
  /**
   * What comes of an operation beyond these: it waits (by default), or fails with OVERLOADED. `saveAll` and `completeAll`
   * wait in any case, and take no more from their source meanwhile.
   */
  readonly whenFull?: "wait" | "fail" | undefined;
  /** How far this host's clock may be from Cassandra's before saves are refused with CLOCK_SKEW; 1,000, and no more. */
  readonly clockLimit?: number | undefined;
  /** How often the clocks are compared, and the keyspace's settings with those that it was opened with; 60,000 by default. */
  readonly clockInterval?: number | undefined;
  /**
   * The grace period that the keyspace is expected to have: where it has another, opening throws SCHEMA_MISMATCH. It is set by
   * `createSchema`, for all clients; left out, the keyspace's is taken, whatever it is.
   */
  readonly gracePeriod?: number | undefined;
  /** After how many completions a partition is swept by itself; 1,000 by default, 0 for never. */
  readonly sweepEvery?: number | undefined;
  /** How often it is looked whether a sweep is due, and the least time between two of one partition; 10,000 by default. */
  readonly sweepInterval?: number | undefined;
}

/** They are not the driver's. */
export const ledgerOptionNames: ReadonlySet<string> = new Set(
  Object.keys({
    deadline: true,
    attemptTimeout: true,
    maxBatchTasks: true,
    maxBatchBytes: true,
    maxPendingTasks: true,
    maxPendingBytes: true,
    whenFull: true,
    clockLimit: true,
    clockInterval: true,
    gracePeriod: true,
    sweepEvery: true,
    sweepInterval: true,
  } satisfies Record<keyof LedgerOptions, true>),
);

export interface ResolvedOptions {
  readonly policy: RetryPolicy;
  readonly batch: BatchLimits;
  readonly pending: InFlightLimits;
  readonly clock: ClockGuardOptions;
  /** The grace period that the keyspace must have, in milliseconds; undefined for any. */
  readonly gracePeriod: number | undefined;
  readonly sweep: { readonly every: number; readonly interval: number };
}

/** The options with nothing left open. Throws INVALID_ARGUMENT. */
export function resolveLedgerOptions(options: LedgerOptions): ResolvedOptions {
  const number = (name: keyof LedgerOptions, otherwise: number, least = 1): number =>
    checkNumber(name, options[name] ?? otherwise, least);
  const deadline = number("deadline", 10_000);
  const clockLimit = BigInt(number("clockLimit", 1_000)) * 1000n;
  const gracePeriod = options.gracePeriod ?? undefined;
  // Farther ahead, the versions that others make would not be met: see VersionClock.
  if (clockLimit > DEFAULT_CLOCK_LIMIT) throw invalidArgument("clockLimit", "at most 1000", options.clockLimit);
  if (gracePeriod !== undefined) checkGracePeriod(gracePeriod, clockLimit);
  const whenFull = options.whenFull ?? "wait";
  if (whenFull !== "wait" && whenFull !== "fail") throw invalidArgument("whenFull", '"wait" or "fail"', whenFull);
  return {
    policy: { deadline, attemptTimeout: number("attemptTimeout", 3_000) },
    batch: { maxOperations: number("maxBatchTasks", 256), maxBytes: number("maxBatchBytes", 1024 * 1024) },
    pending: {
      maxOperations: number("maxPendingTasks", 100_000),
      maxBytes: number("maxPendingBytes", 64 * 1024 * 1024),
      whenFull,
    },
    clock: { limit: clockLimit, interval: number("clockInterval", 60_000) },
    gracePeriod,
    sweep: { every: number("sweepEvery", 1_000, 0), interval: number("sweepInterval", 10_000) },
  };
}

function checkNumber(name: string, value: unknown, least: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= MAX_DURATION) return value;
  throw invalidArgument(name, `a whole number from ${least} to ${MAX_DURATION}`, value);
}
