import { checkBoolean, MAX_DURATION } from "../../core/arguments.js";
import { invalidArgument } from "../../core/errors.js";
import { DEFAULT_CLOCK_LIMIT } from "../../core/version.js";
import { checkGracePeriod } from "./model/settings.js";

/** How the adapter works. Times are in milliseconds. */
export interface LedgerOptions {
  /**
   * Writes nothing: saves, completes and claims are UNSUPPORTED, and cleaning up is left to other clients.
   * @defaultValue false
   */
  readonly readOnly?: boolean | undefined;
  /**
   * Deadline of a read or a write, including its retries. Waiting because of the in-flight limit (`whenFull: "wait"`) does not
   * count; use a signal to bound it. @defaultValue 10,000
   */
  readonly deadline?: number | undefined;
  /** Timeout of one attempt. @defaultValue 3,000 */
  readonly attemptTimeout?: number | undefined;
  /** Maximum number of tasks in one batch to a partition. @defaultValue 256 */
  readonly maxBatchTasks?: number | undefined;
  /** Maximum number of bytes of envelopes in one batch to a partition. @defaultValue 1,048,576 (1 MiB) */
  readonly maxBatchBytes?: number | undefined;
  /** In-flight limit: maximum number of tasks that wait for an acknowledgement. @defaultValue 100,000 */
  readonly maxPendingTasks?: number | undefined;
  /** In-flight limit: maximum number of bytes of their envelopes. @defaultValue 67,108,864 (64 MiB) */
  readonly maxPendingBytes?: number | undefined;
  /**
   * What happens to an operation beyond the in-flight limit: it waits, or fails with OVERLOADED. `saveAll` and `completeAll`
   * always wait, and pull no more from their source meanwhile. @defaultValue "wait"
   */
  readonly whenFull?: "wait" | "fail" | undefined;
  /**
   * Maximum deviation of this host's clock from Cassandra's; beyond it saves fail with CLOCK_SKEW. At most 1,000.
   * @defaultValue 1,000
   */
  readonly clockLimit?: number | undefined;
  /** Interval at which the clocks and the keyspace's settings are checked. @defaultValue 60,000 */
  readonly clockInterval?: number | undefined;
  /**
   * The grace period that the keyspace must have: if it has another, opening throws SCHEMA_MISMATCH. It is set by
   * `createSchema`, for all clients. @defaultValue the keyspace's own
   */
  readonly gracePeriod?: number | undefined;
  /** Number of completions after which a partition is swept automatically; 0 for never. @defaultValue 1,000 */
  readonly sweepEvery?: number | undefined;
  /** Interval at which due sweeps are started, and the minimum time between two of one partition. @defaultValue 10,000 */
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
} as const satisfies Record<keyof LedgerOptions, unknown>;

/** The names of the options that are not passed to the driver. */
export const ledgerOptionNames: ReadonlySet<string> = new Set(Object.keys(defaults));

/** Those of each part of the ledger. */
export type ResolvedOptions = ReturnType<typeof resolveLedgerOptions>;

/** The options with all defaults. Throws INVALID_ARGUMENT. */
export function resolveLedgerOptions(options: LedgerOptions) {
  const number = (name: keyof LedgerOptions, least = 1): number => {
    const value = options[name] ?? defaults[name];
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= MAX_DURATION) return value;
    throw invalidArgument(name, `a whole number from ${least} to ${MAX_DURATION}`, value);
  };
  checkBoolean("readOnly", options.readOnly);
  const { readOnly = defaults.readOnly } = options;
  const whenFull = options.whenFull ?? defaults.whenFull;
  const gracePeriod = options.gracePeriod ?? undefined;
  if (whenFull !== "wait" && whenFull !== "fail") throw invalidArgument("whenFull", '"wait" or "fail"', whenFull);
  const clockLimit = BigInt(number("clockLimit")) * 1000n;
  // The process's clock ignores versions that are farther ahead: see VersionClock.
  if (clockLimit > DEFAULT_CLOCK_LIMIT) throw invalidArgument("clockLimit", "at most 1000", options.clockLimit);
  if (gracePeriod !== undefined) checkGracePeriod(gracePeriod, clockLimit);
  return {
    readOnly,
    policy: { deadline: number("deadline"), attemptTimeout: number("attemptTimeout") },
    batch: { maxOperations: number("maxBatchTasks"), maxBytes: number("maxBatchBytes") },
    pending: { maxOperations: number("maxPendingTasks"), maxBytes: number("maxPendingBytes"), whenFull },
    clock: { limit: clockLimit, interval: number("clockInterval") },
    /** The grace period that the keyspace must have, in milliseconds; undefined for any. */
    gracePeriod,
    sweep: { every: readOnly ? 0 : number("sweepEvery", 0), interval: number("sweepInterval") },
  };
}
