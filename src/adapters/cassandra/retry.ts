import { throwIfAborted, untilAborted } from "../../core/abort.js";
import { TaskError, type TaskErrorCode } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import { type Host, sleep } from "./host.js";
import { SessionError, type SessionErrorKind } from "./session.js";

export interface RetryPolicy {
  /** How long an operation may take in all, in milliseconds. */
  readonly deadline: number;
  /** How long one attempt may take, in milliseconds. */
  readonly attemptTimeout: number;
}

/** Failures that another attempt, on another coordinator, may get past. */
const retried: readonly SessionErrorKind[] = ["timeout", "connection", "unavailable", "overloaded", "failure"];

export function isRetried(error: unknown): error is SessionError {
  return error instanceof SessionError && retried.includes(error.kind);
}

/**
 * Waits before the attempt after this one: full jitter over a time that doubles, 25 ms to 1 s. Gives false, at once, where
 * that would last until `end` or longer: an attempt that has no time left would only hide what went wrong.
 */
export async function backOff(host: Host, attempt: number, end: number): Promise<boolean> {
  const wait = host.random() * Math.min(1000, 25 * 2 ** attempt);
  if (host.monotonic() + wait >= end) return false;
  await sleep(host, wait);
  return true;
}

/**
 * Reads until an attempt succeeds, no time is left for another, or the signal is aborted: it does not wait then for what
 * is under way. An attempt's time ends with the deadline; the session bounds how much later its answer may come. Throws a
 * TaskError, or a SessionError that is not retried.
 */
export function retryRead<T>(
  host: Host,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  read: (timeout: number) => Promise<T>,
): Promise<T> {
  const reading = readUntilDeadline(host, policy, signal, read);
  return signal ? untilAborted(reading, signal) : reading;
}

async function readUntilDeadline<T>(
  host: Host,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  read: (timeout: number) => Promise<T>,
): Promise<T> {
  const end = host.monotonic() + policy.deadline;
  for (let attempt = 0; ; attempt++) {
    throwIfAborted(signal);
    try {
      return await read(attemptTimeout(host, policy, end));
    } catch (error) {
      if (!isRetried(error)) throw error;
      if (!(await backOff(host, attempt, end))) throw toTaskError(error, false);
    }
  }
}

/** What is left of the deadline, at most an attempt's time, at least a millisecond. */
export function attemptTimeout(host: Host, policy: RetryPolicy, end: number): number {
  return Math.ceil(Math.max(1, Math.min(policy.attemptTimeout, end - host.monotonic())));
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
export function toTaskError(error: unknown, mayApply: boolean, key: Partial<TaskKey> = {}): TaskError {
  if (error instanceof TaskError) return error;
  const kind = error instanceof SessionError ? error.kind : "failure";
  const doubt = mayApply ? "; it may have been applied, and can be tried again safely" : "";
  const reason = error instanceof Error ? error.message : String(error);
  return new TaskError(codes[kind], `Cassandra: ${reason}${doubt}`, {
    ...key,
    outcome: mayApply ? "unknown" : "not-applied",
    cause: error instanceof SessionError ? error.cause : error,
  });
}
