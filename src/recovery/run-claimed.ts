import { type Claim, whenLost } from "../claims/claim.js";
import { onAbort } from "../core/abort.js";
import { isTaskError, TaskError } from "../core/errors.js";

export interface RunClaimedOptions {
  readonly lease: number;
  /** Maximum duration of the work, in milliseconds. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does work under a claim, and aborts the work's signal when the claim is lost, the timeout is over, or the caller's signal
 * is aborted. Settles as the work does; but work that ignores its signal is abandoned: at once after a timeout, otherwise after
 * a lease. Throws TIMEOUT, CLAIM_LOST or ABORTED then.
 */
export function runClaimed<T>(
  claim: Claim,
  work: (signal: AbortSignal) => T | Promise<T>,
  { lease, timeout, signal }: RunClaimedOptions,
): Promise<T> {
  // Most work stops for one reason only, and needs no signal of its own.
  const stop = timeout === undefined && signal === undefined ? undefined : new AbortController();
  const own = stop?.signal ?? claim.signal;
  return new Promise<T>((resolve, reject) => {
    let deadline: NodeJS.Timeout | undefined;
    let patience: NodeJS.Timeout | undefined;
    let release: (() => void) | undefined;
    const end = () => {
      whenLost(claim, undefined);
      release?.();
      clearTimeout(deadline);
      clearTimeout(patience);
    };
    const succeed = (value: T) => {
      end();
      resolve(value);
    };
    const fail = (error: unknown) => {
      end();
      reject(error);
    };
    const stopFor = ({ reason }: AbortSignal) => {
      stop?.abort(reason);
      patience ??= setTimeout(() => fail(reasonOf(own)), lease);
    };
    whenLost(claim, () => stopFor(claim.signal));
    if (claim.signal.aborted) stopFor(claim.signal);
    else if (signal?.aborted) stopFor(signal);
    else if (signal) release = onAbort(signal, () => stopFor(signal));
    if (timeout !== undefined)
      deadline = setTimeout(() => {
        const error = timedOut(claim, timeout);
        stop?.abort(error);
        fail(error);
      }, timeout);
    if (own.aborted) return fail(reasonOf(own));
    try {
      Promise.resolve(work(own)).then(succeed, fail);
    } catch (error) {
      fail(error);
    }
  });
}

function timedOut({ taskList, id }: Claim, timeout: number): TaskError {
  return new TaskError("TIMEOUT", `its handler did not end within ${timeout} ms`, { taskList, id });
}

/** Why a signal was aborted, as a TaskError. */
export function reasonOf({ reason }: AbortSignal): TaskError {
  return isTaskError(reason) ? reason : new TaskError("ABORTED", "aborted", { cause: reason });
}
