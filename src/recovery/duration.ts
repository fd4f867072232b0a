import { describeValue, TaskError } from "../errors.js";

/** The longest time that Node's timers know, in milliseconds: nearly 25 days. */
export const MAX_DURATION: number = 2 ** 31 - 1;

/** Throws INVALID_ARGUMENT unless it is a number of milliseconds from `least` to {@link MAX_DURATION}. */
export function checkDuration(field: string, value: unknown, least = 0): void {
  if (typeof value === "number" && value >= least && value <= MAX_DURATION) return;
  const limits = `a number of milliseconds from ${least} to ${MAX_DURATION}`;
  const message = `${field}: expected ${limits}, got ${describeValue(value)}`;
  throw new TaskError("INVALID_ARGUMENT", message, { field });
}
