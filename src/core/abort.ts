import { invalidArgument, TaskError, type WriteOutcome } from "./errors.js";
import { adviseToAwait } from "./promises.js";
import { tagOf } from "./values.js";

/** Options of every operation. */
export interface OperationOptions {
  /** If aborted before the operation is sent, it is not applied; later, its outcome is unknown. Nothing is rolled back. */
  readonly signal?: AbortSignal | undefined;
}

/** Throws ABORTED, with the signal's reason as its cause, if the signal has been aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  checkSignal(signal);
  if (signal?.aborted) throw abortedError(signal);
}

/** Throws INVALID_ARGUMENT if `signal` is neither undefined nor an AbortSignal, such as an AbortController. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || isSignal(signal)) return;
  const advice = tagOf(signal) === "AbortController" ? "; give its signal: controller.signal" : adviseToAwait(signal);
  throw invalidArgument("signal", "an AbortSignal", signal, advice);
}

/** Accepts signals of other realms and of polyfills, which have their own class, but not any object with `aborted`. */
function isSignal(value: unknown): value is AbortSignal {
  try {
    const { aborted, addEventListener, removeEventListener } = value as AbortSignal;
    return (
      typeof aborted === "boolean" &&
      typeof addEventListener === "function" &&
      typeof removeEventListener === "function" &&
      (value instanceof AbortSignal || tagOf(value) === "AbortSignal")
    );
  } catch {
    return false;
  }
}

/** An ABORTED error with the signal's reason as its `cause`. `outcome` is that of the write. */
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
  if (signal.aborted) {
    promise.catch(() => undefined); // prevents an unhandled rejection
    throw abortedError(signal, outcome);
  }
  let release: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    release = onAbort(signal, () => reject(abortedError(signal, outcome)));
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    release?.();
  }
}

const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when the signal is aborted; returns a function that cancels this. All callbacks of one signal share one
 * listener, since Node warns if there are more than ten.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let callbacks = listeners.get(signal);
  if (callbacks === undefined) {
    callbacks = new Set();
    listeners.set(signal, callbacks);
  }
  const all = callbacks;
  if (all.size === 0) signal.addEventListener("abort", callAll, { once: true });
  all.add(callback);
  return () => {
    if (all.delete(callback) && all.size === 0) signal.removeEventListener("abort", callAll);
  };
}

/**
 * Aborts a controller when a signal is aborted, with the same reason; returns a function that cancels this. Each call of
 * AbortSignal.any would leak a little memory if the signal is long-lived.
 */
export function abortWith(controller: AbortController, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => undefined;
  const abort = () => controller.abort(signal.reason);
  if (signal.aborted) abort();
  return onAbort(signal, abort);
}

function callAll(event: Event): void {
  for (const callback of listeners.get(event.target as AbortSignal) ?? []) callback();
}
