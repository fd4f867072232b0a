/** Whether a value is an object whose content is in its keys: not an array, a Date, a Map or the like. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  try {
    return Object.prototype.toString.call(value) === "[object Object]";
  } catch {
    return false; // as in tagOf
  }
}

/** The name of a value's kind, such as `AbortSignal`, even if its class belongs to another realm. */
export function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value).slice("[object ".length, -1);
  } catch {
    return ""; // that of a proxy, or an accessor that throws
  }
}

/** Whether a value is a real Uint8Array, and not an object that only has its prototype. */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && value instanceof Uint8Array;
}

/** Returns what `read` returns, or `otherwise` if it throws: for advice in a message, which may be missing. */
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

/** Whether it is an array; false for a revoked proxy, for which Array.isArray throws. */
export function isArray(value: unknown): value is unknown[] {
  return readOr(false, () => Array.isArray(value));
}
