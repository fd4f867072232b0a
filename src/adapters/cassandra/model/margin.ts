import { invalidArgument } from "../../../errors.js";
import { MAX_DURATION } from "../../../options.js";
import { DEFAULT_CLOCK_LIMIT, toMilliseconds, type Version } from "../../../version.js";

/** The margin of a keyspace that was made without another, in milliseconds. */
export const DEFAULT_MARGIN = 600_000;

/** A margin must leave room for what clocks may be off by, on each side of several comparisons. */
const CLOCK_LIMITS_IN_A_MARGIN = 20n;

/** The least margin, in milliseconds, that is safe where clocks may be off by `clockLimit` microseconds. */
export function leastMargin(clockLimit: Version = DEFAULT_CLOCK_LIMIT): number {
  return toMilliseconds(CLOCK_LIMITS_IN_A_MARGIN * clockLimit);
}

/** Throws INVALID_ARGUMENT unless `margin` is whole milliseconds, and safe where clocks may be off by `clockLimit` microseconds. */
export function checkMargin(margin: unknown, clockLimit?: Version): void {
  const least = leastMargin(clockLimit);
  if (isMargin(margin) && margin >= least) return;
  const expected = `a whole number of milliseconds from ${least}, 20 times the clock limit, to ${MAX_DURATION}`;
  throw invalidArgument("margin", expected, margin);
}

/** A margin as a keyspace's settings have it; undefined where the text is none. */
export function parseMargin(text: string | undefined): number | undefined {
  // Digits only: other languages would not read 6e5 or 0x10 as Number does.
  if (text === undefined || !/^[1-9]\d*$/.test(text)) return undefined;
  return isMargin(Number(text)) ? Number(text) : undefined;
}

function isMargin(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_DURATION;
}
