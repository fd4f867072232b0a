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
  options: RunClaimedOptions,
): Promise<T> {
  const stopping = new Stopping(claim, options);
  try {
    const { signal } = stopping;
    if (signal.aborted) throw reasonOf(signal);
    return await Promise.race([Promise.resolve(signal).then(work), stopping.givenUp]);
  } finally {
    stopping.end();
  }
}

/** Stops work, and decides when it is no longer awaited. */
class Stopping {
  /** The work's signal. */
  readonly signal: AbortSignal;
  /** Rejects when the work is abandoned. */
  readonly givenUp: Promise<never>;
  readonly #cancels: (() => void)[] = [];

  constructor(claim: Claim, { lease, timeout, signal }: RunClaimedOptions) {
    // Most work stops for one reason only, and needs no signal of its own.
    const stop = timeout === undefined && signal === undefined ? undefined : new AbortController();
    this.signal = stop?.signal ?? claim.signal;
    this.givenUp = new Promise<never>((_, reject) => {
      const giveUp = () => reject(reasonOf(this.signal));
      for (const source of signal ? [claim.signal, signal] : [claim.signal])
        this.#whenAborted(source, () => {
          stop?.abort(source.reason);
          this.#after(lease, giveUp);
        });
      if (timeout !== undefined)
        this.#after(timeout, () => {
          const error = timedOut(claim, timeout);
          stop?.abort(error);
          reject(error);
        });
    });
    this.givenUp.catch(() => undefined);
  }

  end(): void {
    for (const cancel of this.#cancels) cancel();
  }

  #whenAborted(signal: AbortSignal, callback: () => void): void {
    if (signal.aborted) callback();
    else this.#cancels.push(onAbort(signal, callback));
  }

  #after(milliseconds: number, callback: () => void): void {
    const timer = setTimeout(callback, milliseconds);
    this.#cancels.push(() => clearTimeout(timer));
  }
}

function timedOut({ taskList, id }: Claim, timeout: number): TaskError {
  return new TaskError("TIMEOUT", `its handler did not end within ${timeout} ms`, { taskList, id });
}

/** Why a signal was aborted, as a TaskError. */
export function reasonOf({ reason }: AbortSignal): TaskError {
  return isTaskError(reason) ? reason : new TaskError("ABORTED", "aborted", { cause: reason });
}
