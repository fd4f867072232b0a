import type { Claim } from "../claims/claim.js";
import { onAbort } from "../core/abort.js";
import { isTaskError, TaskError } from "../core/errors.js";

export interface RunClaimedOptions {
  readonly lease: number;
  /** Maximum duration of the work, in milliseconds. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Number of renewals per lease. */
const RENEWALS = 3;

/** Renews a claim until it is lost, or the returned function is called. */
export function keepRenewing(claim: Claim, lease: number): () => void {
  const interval = Math.ceil(lease / RENEWALS);
  const timer = setInterval(renew, interval, claim, interval).unref();
  return () => clearInterval(timer);
}

/** Errors are ignored: the next renewal may succeed, and otherwise the lease expires. */
function renew(claim: Claim, timeout: number): void {
  if (!claim.signal.aborted) claim.renew({ signal: AbortSignal.timeout(timeout) }).catch(() => undefined);
}

/**
 * Does work under a claim, and aborts the work's signal when the claim is lost, the timeout is over, or the caller's signal
 * is aborted. Settles as the work does; but work that ignores its signal is abandoned: at once after a timeout, otherwise after
 * a lease. Throws TIMEOUT, CLAIM_LOST or ABORTED then.
 */
export async function runClaimed<T>(
  claim: Claim,
  work: (signal: AbortSignal) => T | Promise<T>,
  { lease, timeout, signal }: RunClaimedOptions,
): Promise<T> {
  // Most work stops for one reason only, and needs no signal of its own.
  const stop = timeout === undefined && signal === undefined ? undefined : new AbortController();
  const own = stop?.signal ?? claim.signal;
  const cancels: (() => void)[] = [];
  const after = (milliseconds: number, callback: () => void) => {
    const timer = setTimeout(callback, milliseconds);
    cancels.push(() => clearTimeout(timer));
  };
  try {
    return await new Promise<T>((resolve, reject) => {
      const stopFor = (source: AbortSignal) => {
        stop?.abort(source.reason);
        after(lease, () => reject(reasonOf(own)));
      };
      for (const source of signal ? [claim.signal, signal] : [claim.signal])
        if (source.aborted) stopFor(source);
        else cancels.push(onAbort(source, () => stopFor(source)));
      if (timeout !== undefined)
        after(timeout, () => {
          const error = timedOut(claim, timeout);
          stop?.abort(error);
          reject(error);
        });
      if (own.aborted) reject(reasonOf(own));
      else Promise.resolve(own).then(work).then(resolve, reject);
    });
  } finally {
    for (const cancel of cancels) cancel();
  }
}

function timedOut({ taskList, id }: Claim, timeout: number): TaskError {
  return new TaskError("TIMEOUT", `its handler did not end within ${timeout} ms`, { taskList, id });
}

/** Why a signal was aborted, as a TaskError. */
export function reasonOf({ reason }: AbortSignal): TaskError {
  return isTaskError(reason) ? reason : new TaskError("ABORTED", "aborted", { cause: reason });
}
