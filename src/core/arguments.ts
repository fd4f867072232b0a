import { type OperationOptions, throwIfAborted } from "./abort.js";
import { describeValue, messageOf, shorten } from "./describe-value.js";
import { invalidArgument, isTaskError, TaskError } from "./errors.js";
import { nearestName } from "./nearest-name.js";
import { adviseToAwait } from "./promises.js";
import { isPlainObject, tagOf } from "./values.js";

/** The names of a function's options; the compiler reports one that is missing. */
export type OptionNames<T> = { readonly [Name in keyof Required<T>]: true };

/** The default of `options`: most calls pass none, and then nothing has to be read. */
export const noOptions: Readonly<Record<string, never>> = Object.freeze({});

/**
 * Reads each option of a function once. Throws INVALID_ARGUMENT if `options` is not a plain object, such as a signal that is
 * passed directly, and if it has an unknown option.
 */
export function readOptions<T extends object>(options: T, names: OptionNames<T>, field = "options"): T {
  if (options === noOptions) return options;
  if (!isPlainObject(options)) throw notOptions(options, Object.keys(names), field);
  let at = field;
  try {
    for (const name of Object.keys(options))
      if (!Object.hasOwn(names, name)) throw unknownOption(name, Object.keys(names), field);
    const read: Record<string, unknown> = {};
    for (at in names) read[at] = options[at];
    return read as T;
  } catch (cause) {
    throw isTaskError(cause) ? cause : unreadable(at, cause);
  }
}

function notOptions(value: unknown, names: readonly string[], field: string): TaskError {
  const expected = field === "options" ? "an object" : `{ ${names.join(", ")} }`;
  return invalidArgument(field, expected, value, adviseOnSignal(value) || adviseToAwait(value));
}

function unreadable(field: string, cause: unknown): TaskError {
  const message = `${field}: it can't be read: ${messageOf(cause)}`;
  return new TaskError("INVALID_ARGUMENT", message, { field, cause });
}

/** Like `readOptions`, for an operation. Also throws ABORTED if its signal has been aborted. */
export function readOperation<T extends OperationOptions>(options: T, names: OptionNames<T>): T {
  const read = readOptions(options, names);
  throwIfAborted(read.signal);
  return read;
}

/** The options of most operations. */
export const operationOptions: OptionNames<OperationOptions> = { signal: true };

/** Throws INVALID_ARGUMENT if `options` is not a plain object. */
export function checkOptions(options: unknown): void {
  if (!isPlainObject(options)) throw notOptions(options, [], "options");
}

/** Throws INVALID_ARGUMENT if `options` is not a plain object, and ABORTED if its signal has been aborted. */
export function checkOperation(options: OperationOptions): void {
  checkOptions(options);
  throwIfAborted(options.signal);
}

/** Throws INVALID_ARGUMENT if a key is a misspelling of one of `names`; other unknown keys are allowed. */
export function checkSpelling(options: object, names: readonly string[]): void {
  const misspelt = Object.keys(options).find((name) => !names.includes(name) && nearestName(name, names));
  if (misspelt !== undefined) throw unknownOption(misspelt, names, "options");
}

function adviseOnSignal(value: unknown): string {
  const tag = tagOf(value);
  if (tag === "AbortSignal") return "; write { signal }";
  return tag === "AbortController" ? "; write { signal: controller.signal }" : "";
}

function unknownOption(stray: string, names: readonly string[], field: string): TaskError {
  const nearest = nearestName(stray, names);
  const advice = nearest ? `did you mean ${nearest}?` : `known: ${listOf(names)}`;
  const message = `${field}: unknown option ${describeValue(stray)}; ${advice}`;
  return new TaskError("INVALID_ARGUMENT", message, { field: shorten(stray) });
}

function listOf(names: readonly string[]): string {
  if (names.length <= 1) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Throws INVALID_ARGUMENT unless `value` is a whole number from 1. */
export function checkCount(field: string, value: unknown): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return;
  throw invalidArgument(field, "a whole number from 1", value);
}

/** Throws INVALID_ARGUMENT unless `value` is true or false, or undefined. */
export function checkBoolean(field: string, value: unknown): void {
  if (value !== undefined && typeof value !== "boolean") throw invalidArgument(field, "true or false", value);
}

/** Throws INVALID_ARGUMENT unless `value` is a function, or undefined. */
export function checkFunction(field: string, value: unknown, advice = ""): void {
  if (value === undefined || typeof value === "function") return;
  throw invalidArgument(field, "a function", value, adviseToAwait(value) || advice);
}

/** The longest delay that Node's timers support, in milliseconds: nearly 25 days. */
export const MAX_DURATION: number = 2 ** 31 - 1;

/** Throws INVALID_ARGUMENT unless `value` is a number of milliseconds from `least` to {@link MAX_DURATION}. */
export function checkDuration(field: string, value: unknown, least = 0): void {
  if (typeof value === "number" && value >= least && value <= MAX_DURATION) return;
  throw invalidArgument(field, `a number of milliseconds from ${least} to ${MAX_DURATION}`, value);
}
