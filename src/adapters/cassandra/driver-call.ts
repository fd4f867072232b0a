import { isTaskError } from "../../errors.js";
import { classifyDriverError, type Driver, describeDriverError } from "./driver-errors.js";
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

/** As `promise`, or the driver's timeout after so many milliseconds. */
async function within<T>(milliseconds: number, promise: Promise<T>, { errors }: Driver): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `no answer within ${milliseconds} ms`;
    timer = setTimeout(() => reject(new errors.OperationTimedOutError(message)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
