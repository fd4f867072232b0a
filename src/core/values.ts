import { messageOf } from "./describe-value.js";
import { isTaskError, type TaskError } from "./errors.js";

/** Not an array, nor a Date, a Map and their like, whose content is not in their keys. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return tagOf(value) === "Object";
}

/** What kind of object a value says that it is, such as `AbortSignal`, also where its class is another realm's. */
export function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value).slice("[object ".length, -1);
  } catch {
    return ""; // that of a proxy, or an accessor that throws
  }
}

/** Bytes that are there: what only has the prototype of a Uint8Array has none. */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && value instanceof Uint8Array;
}

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
