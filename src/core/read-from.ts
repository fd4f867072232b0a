import { messageOf } from "./describe-value.js";
import { invalidArgument, isTaskError, TaskError } from "./errors.js";
import { isArray } from "./values.js";

/**
 * What is read of a user's object, whose accessors may throw: then throws what `refuse` makes of the message and of what was
 * thrown. A TaskError passes.
 */
export function readFrom<T>(read: () => T, refuse: (reason: string, cause: unknown) => TaskError): T {
  try {
    return read();
  } catch (cause) {
    throw isTaskError(cause) ? cause : refuse(`it can't be read: ${messageOf(cause)}`, cause);
  }
}

/** As `readFrom`, of an argument: throws INVALID_ARGUMENT, which names it. */
export function readArgument<T>(field: string, read: () => T): T {
  return readFrom(read, (reason, cause) => new TaskError("INVALID_ARGUMENT", `${field}: ${reason}`, { field, cause }));
}

/** What `each` makes of the elements of an array, which are read once. Throws INVALID_ARGUMENT for what is none. */
export function readArray<T>(field: string, expected: string, value: unknown, each: (element: unknown) => T): T[] {
  if (!isArray(value)) throw invalidArgument(field, expected, value);
  return readArgument(field, () => Array.from(value, each));
}
