import { commandError, exitCodes } from "../command-error.js";
import type { Output } from "../terminal.js";

/** Throws a CommandError if bytes would be written to a terminal. */
export function checkBinary(out: Output): void {
  if (!out.isTTY) return;
  const advice = "Write them to a file or into a pipe: … > FILE";
  throw commandError(exitCodes.usage, "BINARY", "bytes would go to the terminal", advice);
}
