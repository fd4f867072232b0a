import { nameOf } from "../core/class-advice.js";
import { invalidArgument } from "../core/errors.js";
import { adviseToAwait } from "../core/promises.js";
import { readOr } from "../core/values.js";
import type { Adapter } from "./adapter.js";

const methods = ["open", "save", "find", "all", "complete", "close"] as const;

/** Throws INVALID_ARGUMENT unless `value` has the methods of an adapter. */
export function checkAdapter(field: string, expected: string, value: unknown): asserts value is Adapter {
  const members = Object(value) as Record<string, unknown>;
  if (readOr(false, () => methods.every((name) => typeof members[name] === "function"))) return;
  const name = nameOf(value);
  const advice = name ? `; make one of it: new ${name}(…)` : adviseToAwait(value);
  throw invalidArgument(field, `${expected} (${methods.join(", ")})`, value, advice);
}
