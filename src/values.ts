/** Not an array, nor a Date, a Map and their like, whose content is not in their keys. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]";
}
