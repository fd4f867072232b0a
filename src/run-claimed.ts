import type { Claim } from "./claim.js";
import { isTaskError, TaskError } from "./errors.js";

export interface RunClaimedOptions {
  readonly lease: number;
  /** How long the work may take, in milliseconds. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How often a claim is renewed in the time of a lease. */
const RENEWALS = 3;

/**
 * Does work under a claim: renews it meanwhile, and aborts the work's signal when the claim is lost, the time is over, or
 * the caller's signal says so. Settles as the work does; but work that does not heed its signal is given up: at once when
 * its time is over, after a lease otherwise. Throws TIMEOUT, CLAIM_LOST or ABORTED then.
 */
export async function runClaimed<T>(
  claim: Claim,
  work: (signal: AbortSignal) => T | Promise<T>,
  { lease, timeout, signal }: RunClaimedOptions,
): Promise<T> {
  const stop = new AbortController();
  const all = AbortSignal.any([claim.signal, stop.signal, ...(signal ? [signal] : [])]);
  const renewing = setInterval(() => renew(claim), lease / RENEWALS).unref();
  const givenUp = giveUp(claim, all, stop, { lease, timeout });
  try {
    return await Promise.race([Promise.resolve(all).then(work), givenUp.promise]);
  } finally {
    clearInterval(renewing);
    givenUp.cancel();
  }
}

/** What keeps it from being renewed is for the lease to end by itself; the next try may do. */
function renew(claim: Claim): void {
  if (!claim.signal.aborted) claim.renew().catch(() => undefined);
}

/** Rejects when the work is not waited for any longer. */
function giveUp(
  { taskList, id }: Claim,
  all: AbortSignal,
  stop: AbortController,
  { lease, timeout }: RunClaimedOptions,
): { promise: Promise<never>; cancel: () => void } {
  const timers: NodeJS.Timeout[] = [];
  let onAbort: (() => void) | undefined;
  const promise = new Promise<never>((_, reject) => {
    if (timeout !== undefined) {
      const error = new TaskError("TIMEOUT", `its handler did not end within ${timeout} ms`, { taskList, id });
      const expire = () => {
        stop.abort(error);
        reject(error);
      };
      timers.push(setTimeout(expire, timeout));
    }
    onAbort = () => timers.push(setTimeout(() => reject(reasonOf(all)), lease));
    all.addEventListener("abort", onAbort, { once: true });
  });
  promise.catch(() => undefined);
  const cancel = () => {
    for (const timer of timers) clearTimeout(timer);
    if (onAbort) all.removeEventListener("abort", onAbort);
  };
  return { promise, cancel };
}

function reasonOf({ reason }: AbortSignal): TaskError {
  return isTaskError(reason) ? reason : new TaskError("ABORTED", "aborted", { cause: reason });
}
