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

/** What is read of a value of any kind; `otherwise` where that throws. For the advice in a message, which may be missing. */
export function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** The time of a Date, in milliseconds; undefined for anything else, and NaN for one that is invalid. */
export function timeOf(value: unknown): number | undefined {
  return readOr(undefined, () => (value instanceof Date ? Date.prototype.getTime.call(value) : undefined));
}

/** Whether it is an array; not a proxy that is revoked, of which nobody can tell. */
export function isArray(value: unknown): value is unknown[] {
  return readOr(false, () => Array.isArray(value));
}
