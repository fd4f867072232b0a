import { throwIfAborted } from "./abort.js";
import type { OperationOptions } from "./adapter.js";
import { invalidArgument } from "./errors.js";
import { isPlainObject } from "./values.js";

/** Throws INVALID_ARGUMENT for what is no object of options, such as a signal that is given by itself. */
export function checkOptions(options: unknown): void {
  if (isPlainObject(options)) return;
  throw invalidArgument("options", "an object", options);
}

/** Throws that, or ABORTED, before an operation goes to the store. */
export function checkOperation(options: OperationOptions): void {
  checkOptions(options);
  throwIfAborted(options.signal);
}

/** Throws INVALID_ARGUMENT unless `value` is a whole number from 1. */
export function checkCount(field: string, value: unknown): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return;
  throw invalidArgument(field, "a whole number from 1", value);
}

/** The longest time that Node's timers know, in milliseconds: nearly 25 days. */
export const MAX_DURATION: number = 2 ** 31 - 1;

/** Throws INVALID_ARGUMENT unless `value` is a number of milliseconds from `least` to {@link MAX_DURATION}. */
export function checkDuration(field: string, value: unknown, least = 0): void {
  if (typeof value === "number" && value >= least && value <= MAX_DURATION) return;
  throw invalidArgument(field, `a number of milliseconds from ${least} to ${MAX_DURATION}`, value);
}
