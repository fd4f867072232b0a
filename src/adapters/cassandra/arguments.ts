import { checkBoolean, MAX_DURATION } from "../../core/arguments.js";
import { invalidArgument } from "../../core/errors.js";
import { DEFAULT_CLOCK_LIMIT } from "../../core/version.js";
import type { BatchLimits } from "./batching/group-commit.js";
import type { InFlightLimits } from "./batching/in-flight-limit.js";
import type { ClockGuardOptions } from "./clock-guard.js";
import type { SweepTiming } from "./ledger/sweeper.js";
import { checkGracePeriod } from "./model/settings.js";
import type { RetryPolicy } from "./retry.js";

/** How the adapter works. Times are in milliseconds. */
export interface LedgerOptions {
  /**
   * Writes nothing: saves, completes and claims are UNSUPPORTED, and what listing else removes and sweeps is left to other
   * clients. False by default.
   */
  readonly readOnly?: boolean | undefined;
  /**
   * How long a read or a write may take in all, its retries included; 10,000 by default. A write is answered then, whatever
   * is under way. Waiting for room (`whenFull: "wait"`) does not count: how long that takes is up to those who write, and
   * whoever wants to bound it gives a signal.
   */
  readonly deadline?: number | undefined;
  /** How long one attempt may take; 3,000 by default. */
  readonly attemptTimeout?: number | undefined;
  /** The most tasks that leave for one partition in one batch; 256 by default. */
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

const defaults = {
  readOnly: false,
  deadline: 10_000,
  attemptTimeout: 3_000,
  maxBatchTasks: 256,
  maxBatchBytes: 1024 * 1024,
  maxPendingTasks: 100_000,
  maxPendingBytes: 64 * 1024 * 1024,
  whenFull: "wait",
  clockLimit: 1_000,
  clockInterval: 60_000,
  gracePeriod: undefined,
  sweepEvery: 1_000,
  sweepInterval: 10_000,
} satisfies Record<keyof LedgerOptions, unknown>;

/** They are not the driver's. */
export const ledgerOptionNames: ReadonlySet<string> = new Set(Object.keys(defaults));

export interface ResolvedOptions {
  readonly readOnly: boolean;
  readonly policy: RetryPolicy;
  readonly batch: BatchLimits;
  readonly pending: InFlightLimits;
  readonly clock: ClockGuardOptions;
  /** The grace period that the keyspace must have, in milliseconds; undefined for any. */
  readonly gracePeriod: number | undefined;
  readonly sweep: SweepTiming;
}

/** The options with nothing left open. Throws INVALID_ARGUMENT. */
export function resolveLedgerOptions(options: LedgerOptions): ResolvedOptions {
  const number = (name: keyof LedgerOptions, least = 1): number =>
    checkNumber(name, options[name] ?? defaults[name], least);
  checkBoolean("readOnly", options.readOnly);
  const readOnly = options.readOnly ?? defaults.readOnly;
  const deadline = number("deadline");
  const clockLimit = BigInt(number("clockLimit")) * 1000n;
  const gracePeriod = options.gracePeriod ?? undefined;
  // Farther ahead, the versions that others make would not be met: see VersionClock.
  if (clockLimit > DEFAULT_CLOCK_LIMIT) throw invalidArgument("clockLimit", "at most 1000", options.clockLimit);
  if (gracePeriod !== undefined) checkGracePeriod(gracePeriod, clockLimit);
  const whenFull = options.whenFull ?? defaults.whenFull;
  if (whenFull !== "wait" && whenFull !== "fail") throw invalidArgument("whenFull", '"wait" or "fail"', whenFull);
  return {
    readOnly,
    policy: { deadline, attemptTimeout: number("attemptTimeout") },
    batch: { maxOperations: number("maxBatchTasks"), maxBytes: number("maxBatchBytes") },
    pending: { maxOperations: number("maxPendingTasks"), maxBytes: number("maxPendingBytes"), whenFull },
    clock: { limit: clockLimit, interval: number("clockInterval") },
    gracePeriod,
    sweep: { every: readOnly ? 0 : number("sweepEvery", 0), interval: number("sweepInterval") },
  };
}

function checkNumber(name: string, value: unknown, least: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= MAX_DURATION) return value;
  throw invalidArgument(name, `a whole number from ${least} to ${MAX_DURATION}`, value);
}
