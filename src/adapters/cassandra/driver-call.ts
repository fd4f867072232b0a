import { isTaskError } from "../../core/errors.js";
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

/** A call that is under way. */
interface Call {
  /** When it is given up, on the process's monotonic clock. */
  readonly end: number;
  giveUp(): void;
}

const calls = new Set<Call>();

/** One timer for all calls: next to none is given up, and to set one for each would cost more than it is worth. */
const timer = new ExpiryTimer(processHost, () => {
  const now = processHost.monotonic();
  let next = Infinity;
  for (const call of calls) {
    if (call.end <= now) call.giveUp();
    else next = Math.min(next, call.end);
  }
  return next;
});

/** Calls the driver once. Throws its errors as SessionErrors; TaskErrors as they are. */
export function callDriver<T>(driver: Driver, options: CallOptions, start: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const time = options.timeout + GRACE;
    const call: Call = {
      end: processHost.monotonic() + time,
      giveUp: () => fail(new driver.errors.OperationTimedOutError(`no answer within ${time} ms`)),
    };
    const fail = (cause: unknown) => {
      calls.delete(call);
      reject(toSessionError(cause, driver, options));
    };
    calls.add(call);
    timer.lookAt(call.end);
    try {
      start().then((value) => {
        calls.delete(call);
        resolve(value);
      }, fail);
    } catch (error) {
      fail(error);
    }
  });
}

function toSessionError(cause: unknown, driver: Driver, { mayApply = () => false }: CallOptions): unknown {
  if (isTaskError(cause)) return cause;
  const { kind, reached } = classifyDriverError(cause, driver);
  return new SessionError(kind, mayApply(reached), describeDriverError(cause), cause);
}
