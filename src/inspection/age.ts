import { NEVER } from "../adapter/claim-store.js";
import { processClock, toMilliseconds } from "../core/version.js";
import { formatDuration } from "./duration.js";

/** No task was saved before: a computer whose clock is not set begins at 1970, or at 1980. */
const EARLIEST = Date.UTC(2000, 0);

/** A time in ISO 8601; that of a store may be beyond all dates. */
export function momentOf(milliseconds: number): string {
  return new Date(Math.max(-NEVER, Math.min(NEVER, milliseconds))).toISOString();
}

/**
 * The milliseconds since a moment in ISO 8601; undefined if the age is unknown: there is no moment, or the clock that told it was
 * wrong, since it lies in the future, or before there were tasks.
 */
export function ageOf(moment: string | null | undefined): number | undefined {
  const time = Date.parse(moment ?? "");
  const isKnown = time >= EARLIEST && time <= toMilliseconds(processClock.horizon());
  return isKnown ? Date.now() - time : undefined;
}

/** The age for people: `2h14m`; `?` if it is unknown, `-` if there is no moment. */
export function formatAge(moment: string | null | undefined): string {
  const age = ageOf(moment);
  if (age !== undefined) return formatDuration(age);
  return moment === undefined ? "-" : "?";
}
