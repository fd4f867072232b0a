import type { Version } from "./order.js";

/** The program of a version; a real service has one, and is deployed anew for the next. */
export async function loadVersion(number: 1 | 2): Promise<Version> {
  return number === 1 ? (await import("./v1/tasks.js")).version : (await import("./v2/tasks.js")).version;
}
