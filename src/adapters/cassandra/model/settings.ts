import { MAX_DURATION } from "../../../core/arguments.js";
import { invalidArgument } from "../../../core/errors.js";
import { DEFAULT_CLOCK_LIMIT, toMilliseconds, type Version } from "../../../core/version.js";

/** Grows with each change of the tables that older versions of this package can't work with. */
export const LAYOUT = "1";

/** The value of `data_center` for a keyspace whose clients are in several. */
export const SEVERAL_DATA_CENTERS = "*";

/** The default grace period, in milliseconds. */
export const DEFAULT_GRACE_PERIOD = 60_000;

/** A grace period must allow for the deviation of clocks, on each side of several comparisons. */
const CLOCK_LIMITS_IN_A_GRACE_PERIOD = 20n;

/** Settings that are fixed when a keyspace's tables are created, for all of its clients. */
export interface LedgerSettings {
  readonly shards: number;
  /** The data centre of all clients, or `*` for several. */
  readonly dataCenter: string;
  /**
   * The age from which a sweep may cover completed versions, in milliseconds; a save whose answer takes longer than half
   * of it does not count. If one client's were smaller, it could sweep away a save that was just acknowledged to another.
   */
  readonly gracePeriod: number;
}

export const SETTING_NAMES = ["layout", "shards", "data_center", "grace_period"];

/** The rows of the table of settings. */
export function settingRows({ shards, dataCenter, gracePeriod }: LedgerSettings): Record<string, string> {
  return { layout: LAYOUT, shards: String(shards), data_center: dataCenter, grace_period: String(gracePeriod) };
}

/** The minimum safe grace period, in milliseconds, if clocks may deviate by `clockLimit` microseconds. */
export function leastGracePeriod(clockLimit: Version = DEFAULT_CLOCK_LIMIT): number {
  return toMilliseconds(CLOCK_LIMITS_IN_A_GRACE_PERIOD * clockLimit);
}

/** Throws INVALID_ARGUMENT unless it is whole milliseconds, and safe if clocks may deviate by `clockLimit` microseconds. */
export function checkGracePeriod(gracePeriod: unknown, clockLimit?: Version): void {
  const least = leastGracePeriod(clockLimit);
  if (isGracePeriod(gracePeriod) && gracePeriod >= least) return;
  const expected = `a whole number of milliseconds from ${least}, 20 times the clock limit, to ${MAX_DURATION}`;
  throw invalidArgument("gracePeriod", expected, gracePeriod);
}

/** Parses a grace period of a keyspace's settings; undefined if the text is not one. */
export function parseGracePeriod(text: string | undefined): number | undefined {
  // Digits only: other languages would not read 6e5 or 0x10 as Number does.
  if (text === undefined || !/^[1-9]\d*$/.test(text)) return undefined;
  return isGracePeriod(Number(text)) ? Number(text) : undefined;
}

function isGracePeriod(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_DURATION;
}
