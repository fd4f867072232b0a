import { invalidArgument, TaskError, type WriteOutcome } from "./errors.js";
import { adviseToAwait } from "./promises.js";
import { tagOf } from "./values.js";

/** What every operation takes. */
export interface OperationOptions {
  /** Aborted before the operation left: not applied. Later: its outcome is unknown; nothing is rolled back. */
  readonly signal?: AbortSignal | undefined;
}

/** Throws ABORTED, with the signal's reason as its cause, if the signal has been aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  checkSignal(signal);
  if (signal?.aborted) throw abortedError(signal);
}

/** Throws INVALID_ARGUMENT for what is no signal, such as the AbortController that has it. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || isSignal(signal)) return;
  const advice = tagOf(signal) === "AbortController" ? "; give its signal: controller.signal" : adviseToAwait(signal);
  throw invalidArgument("signal", "an AbortSignal", signal, advice);
}

/** Also those of other realms and of polyfills, which have their own class; not whatever has a member `aborted`. */
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
    promise.catch(() => undefined); // nobody will look
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
 * Calls back when the signal is aborted; gives the function that ends that. However many wait for one signal, it has one
 * listener: Node warns of more than ten.
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
 * Aborts a controller when a signal is, for the same reason; gives the function that ends that. AbortSignal.any would
 * leave something behind at a signal that lives on, each time.
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
