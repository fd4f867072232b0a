import { isTaskError } from "../../errors.js";
import { classifyDriverError, type Driver, describeDriverError } from "./driver-errors.js";
import { ExpiryTimer } from "./expiry-timer.js";
import { processHost } from "./host.js";
import { SessionError } from "./session.js";

/** How long past its timeout the driver may take: that does not bound what comes before a request is sent. In milliseconds. */
const GRACE = 250;

export interface CallOptions {
  /** In milliseconds; the call is given up a little later, whatever the driver does. */
  readonly timeout: number;
  /**
   * Whether a call that fails may have been applied, or may be later; `reached` tells whether its request may have come to a
   * replica, as far as the error says. A read, by default: never.
   */
  readonly mayApply?: (reached: boolean) => boolean;
}

/** Calls the driver once. Throws its errors as SessionErrors; TaskErrors as they are. */
export async function callDriver<T>(
  driver: Driver,
  { timeout, mayApply = () => false }: CallOptions,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await within(timeout + GRACE, call(), driver);
  } catch (cause) {
    if (isTaskError(cause)) throw cause;
    const { kind, reached } = classifyDriverError(cause, driver);
    throw new SessionError(kind, mayApply(reached), describeDriverError(cause), cause);
  }
}

/** A call that is under way. */
interface Call {
  /** When it is given up, on the process's monotonic clock. */
  readonly end: number;
  giveUp(): void;
}

const calls = new Set<Call>();

/** What waits for an answer keeps the process going by itself; this need not. */
const unheld = { ...processHost, after: processHost.later };

/** One timer for all calls: next to none is given up, and to set one for each would cost more than it is worth. */
const timer = new ExpiryTimer(unheld, () => {
  const now = processHost.monotonic();
  let next = Infinity;
  for (const call of calls) {
    if (call.end <= now) call.giveUp();
    else next = Math.min(next, call.end);
  }
  return next === Infinity ? undefined : next;
});

/** As `promise`, or the driver's timeout after so many milliseconds. */
function within<T>(milliseconds: number, promise: Promise<T>, { errors }: Driver): Promise<T> {
  return new Promise((resolve, reject) => {
    const call: Call = {
      end: processHost.monotonic() + milliseconds,
      giveUp() {
        calls.delete(call);
        reject(new errors.OperationTimedOutError(`no answer within ${milliseconds} ms`));
      },
    };
    calls.add(call);
    timer.lookAt(call.end);
    promise.then(
      (value) => {
        calls.delete(call);
        resolve(value);
      },
      (error) => {
        calls.delete(call);
        reject(error);
      },
    );
  });
}
