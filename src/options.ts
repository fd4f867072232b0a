import { throwIfAborted } from "./abort.js";
import type { OperationOptions } from "./adapter.js";
import { invalidArgument } from "./errors.js";
import { isPlainObject } from "./values.js";

/** Throws INVALID_ARGUMENT for what is no object of options, such as a signal that is given by itself. */
export function checkOptions(options: unknown): void {
  if (isPlainObject(options)) return;
  throw invalidArgument("options", "an object", options);
}

/** Throws that, or ABORTED, before an operation goes to the store. */
export function checkOperation(options: OperationOptions): void {
  checkOptions(options);
  throwIfAborted(options.signal);
}
