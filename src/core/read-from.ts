import { messageOf } from "./describe-value.js";
import { invalidArgument, isTaskError, TaskError } from "./errors.js";
import { isArray } from "./values.js";

/**
 * Reads from a user's object, whose accessors may throw. If one does, throws the error that `refuse` makes of it; a TaskError
 * is rethrown as it is.
 */
export function readFrom<T>(read: () => T, refuse: (reason: string, cause: unknown) => TaskError): T {
  try {
    return read();
  } catch (cause) {
    throw isTaskError(cause) ? cause : refuse(`it can't be read: ${messageOf(cause)}`, cause);
  }
}

/** Like `readFrom`, for an argument: throws INVALID_ARGUMENT with its name. */
export function readArgument<T>(field: string, read: () => T): T {
  return readFrom(read, (reason, cause) => new TaskError("INVALID_ARGUMENT", `${field}: ${reason}`, { field, cause }));
}

/** Maps the elements of an array, reading each once. Throws INVALID_ARGUMENT if `value` is not an array. */
export function readArray<T>(field: string, expected: string, value: unknown, each: (element: unknown) => T): T[] {
  if (!isArray(value)) throw invalidArgument(field, expected, value);
  return readArgument(field, () => Array.from(value, each));
}
