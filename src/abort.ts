import { TaskError, type WriteOutcome } from "./errors.js";

/** Throws ABORTED, with the signal's reason as its cause, if the signal has been aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal);
}

export function abortedError(signal: AbortSignal, outcome: WriteOutcome = "not-applied"): TaskError {
  const message = outcome === "unknown" ? "aborted while under way; it may have been applied" : "aborted";
  return new TaskError("ABORTED", message, { cause: signal.reason, outcome });
}

/** Settles as `promise` does, or rejects with ABORTED as soon as the signal is aborted; the work itself goes on. */
export async function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  outcome: WriteOutcome = "not-applied",
): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortedError(signal, outcome));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener("abort", onAbort);
  }
}
