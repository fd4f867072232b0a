import { throwIfAborted, untilAborted } from "../../core/abort.js";
import { messageOf } from "../../core/describe-value.js";
import { TaskError, type TaskErrorCode, type WriteOutcome } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import { SessionError, type SessionErrorKind } from "./model/session.js";
import { type Runtime, sleep } from "./runtime.js";

export interface RetryPolicy {
  /** Deadline of an operation, in milliseconds. */
  readonly deadline: number;
  /** Timeout of one attempt, in milliseconds. */
  readonly attemptTimeout: number;
}

/** Failures that another attempt, on another coordinator, may avoid. */
const retried: readonly SessionErrorKind[] = ["timeout", "connection", "unavailable", "overloaded", "failure"];

export function isRetried(error: unknown): error is SessionError {
  return error instanceof SessionError && retried.includes(error.kind);
}

/**
 * Waits before the next attempt: full jitter, up to a bound that doubles from 25 ms to 1 s. Returns false, without waiting, if
 * the wait would last until `end` or longer: an attempt without time left would only hide the cause.
 */
export async function backOff(runtime: Runtime, attempt: number, end: number): Promise<boolean> {
  const wait = runtime.random() * Math.min(1000, 25 * 2 ** attempt);
  if (runtime.monotonic() + wait >= end) return false;
  await sleep(runtime, wait);
  return true;
}

/** The time left until `end`, at most the timeout of an attempt, at least a millisecond. */
export function attemptTimeout(runtime: Runtime, policy: RetryPolicy, end: number): number {
  return Math.ceil(Math.max(1, Math.min(policy.attemptTimeout, end - runtime.monotonic())));
}

export interface RetryOptions {
  /** Whether an attempt that may have been applied is tried again. @defaultValue true */
  readonly mayRepeat?: boolean;
  /** The outcome that is reported if the signal is aborted meanwhile. @defaultValue not-applied, as for a read */
  readonly outcome?: WriteOutcome;
}

/**
 * Tries until an attempt succeeds, no time is left for another, or the signal is aborted: then it does not wait for what is
 * in flight. An attempt's time ends with the deadline; the session bounds how much later its answer may come. Throws ABORTED, and
 * what the last attempt threw; a SessionError then tells whether any of them may have been applied.
 */
export async function retryAttempts<T>(
  runtime: Runtime,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: (timeout: number) => Promise<T>,
  { mayRepeat = true, outcome = "not-applied" }: RetryOptions = {},
): Promise<T> {
  throwIfAborted(signal);
  const end = runtime.monotonic() + policy.deadline;
  const attempts = async () => {
    let mayApply = false;
    for (let count = 0; ; count++) {
      throwIfAborted(signal);
      try {
        return await attempt(attemptTimeout(runtime, policy, end));
      } catch (error) {
        if (!(error instanceof SessionError)) throw error;
        mayApply ||= error.mayApply;
        const isLast = !isRetried(error) || (mayApply && !mayRepeat) || !(await backOff(runtime, count, end));
        if (isLast) throw new SessionError(error.kind, mayApply, error.message, error.cause);
      }
    }
  };
  return untilAborted(attempts(), signal, outcome);
}

/** The same, of a key's task or list. Throws TaskErrors. */
export async function retryCall<T>(
  runtime: Runtime,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  call: (timeout: number) => Promise<T>,
  key?: Partial<TaskKey>,
  options?: RetryOptions,
): Promise<T> {
  try {
    return await retryAttempts(runtime, policy, signal, call, options);
  } catch (error) {
    throw toTaskError(error, key);
  }
}

const codes: Record<SessionErrorKind, TaskErrorCode> = {
  timeout: "TIMEOUT",
  connection: "UNAVAILABLE",
  unavailable: "UNAVAILABLE",
  overloaded: "OVERLOADED",
  failure: "UNAVAILABLE",
  tombstones: "UNAVAILABLE",
  refused: "UNAVAILABLE",
  "too-large": "TOO_LARGE",
};

/** The error of an operation that is given up; `mayApply` tells whether any of its attempts may have been applied. */
export function toTaskError(
  error: unknown,
  { taskList, id }: Partial<TaskKey> = {},
  mayApply: boolean = error instanceof SessionError && error.mayApply,
): TaskError {
  if (error instanceof TaskError) return error;
  const kind = error instanceof SessionError ? error.kind : "failure";
  const doubt = mayApply ? "; it may have been applied, and can be tried again safely" : "";
  return new TaskError(codes[kind], `Cassandra: ${messageOf(error)}${doubt}`, {
    taskList,
    id,
    outcome: mayApply ? "unknown" : "not-applied",
    cause: error instanceof SessionError ? error.cause : error,
  });
}
