import { MAX_DURATION } from "../../../core/arguments.js";
import { invalidArgument } from "../../../core/errors.js";
import { DEFAULT_CLOCK_LIMIT, toMilliseconds, type Version } from "../../../core/version.js";

/** Counts changes of the tables that older versions of this package can't work with. */
export const LAYOUT = "1";

/** The value of `data_center` for a keyspace whose clients are in several. */
export const SEVERAL_DATA_CENTERS = "*";

/** The grace period of a keyspace that was made without another, in milliseconds. */
export const DEFAULT_GRACE_PERIOD = 60_000;

/** A grace period must leave room for what clocks may be off by, on each side of several comparisons. */
const CLOCK_LIMITS_IN_A_GRACE_PERIOD = 20n;

/** What is settled when a keyspace's tables are made, and holds for all of its clients. */
export interface LedgerSettings {
  readonly shards: number;
  /** The data centre of all clients, or `*` for several. */
  readonly dataCenter: string;
  /**
   * The age from which a sweep may cover completed versions, in milliseconds; a save whose answer takes longer than half
   * of it does not count. Were one client's smaller, it could sweep away what another has just been told is saved.
   */
  readonly gracePeriod: number;
}

export const SETTING_NAMES = ["layout", "shards", "data_center", "grace_period"];

/** The rows of the table of settings. */
export function settingRows({ shards, dataCenter, gracePeriod }: LedgerSettings): Record<string, string> {
  return { layout: LAYOUT, shards: String(shards), data_center: dataCenter, grace_period: String(gracePeriod) };
}

/** The least grace period, in milliseconds, that is safe if clocks may be off by `clockLimit` microseconds. */
export function leastGracePeriod(clockLimit: Version = DEFAULT_CLOCK_LIMIT): number {
  return toMilliseconds(CLOCK_LIMITS_IN_A_GRACE_PERIOD * clockLimit);
}

/** Throws INVALID_ARGUMENT unless it is whole milliseconds, and safe if clocks may be off by `clockLimit` microseconds. */
export function checkGracePeriod(gracePeriod: unknown, clockLimit?: Version): void {
  const least = leastGracePeriod(clockLimit);
  if (isGracePeriod(gracePeriod) && gracePeriod >= least) return;
  const expected = `a whole number of milliseconds from ${least}, 20 times the clock limit, to ${MAX_DURATION}`;
  throw invalidArgument("gracePeriod", expected, gracePeriod);
}

/** A grace period as a keyspace's settings have it; undefined if the text is none. */
export function parseGracePeriod(text: string | undefined): number | undefined {
  // Digits only: other languages would not read 6e5 or 0x10 as Number does.
  if (text === undefined || !/^[1-9]\d*$/.test(text)) return undefined;
  return isGracePeriod(Number(text)) ? Number(text) : undefined;
}

function isGracePeriod(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_DURATION;
}
