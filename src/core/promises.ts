import { readOr } from "./values.js";

/** Whether a value is a promise, or can be awaited as one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  return readOr(false, () => typeof (value as { then?: unknown }).then === "function");
}

/**
 * The end of a message about a value that should not be a promise; empty if it is not one. Also handles the promise's
 * rejection, since nobody else does.
 */
export function adviseToAwait(value: unknown, advice = "; await it first"): string {
  if (!isThenable(value)) return "";
  Promise.resolve(value).catch(() => undefined);
  return advice;
}
