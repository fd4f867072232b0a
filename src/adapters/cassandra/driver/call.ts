import { isTaskError } from "../../../core/errors.js";
import { SessionError } from "../model/session.js";
import { processRuntime } from "../runtime.js";
import { classifyDriverError, type Driver, describeDriverError } from "./errors.js";

/** How long after its timeout the driver is given up, in milliseconds: the timeout does not include the time before sending. */
const GRACE = 250;

export interface CallOptions {
  /** In milliseconds; the call is given up a little later, whatever the driver does. */
  readonly timeout: number;
  /**
   * Whether a failed call may have been applied, or may be later; `reached` tells whether its request may have reached a replica,
   * judging from the error. @defaultValue never, as for a read
   */
  readonly mayApply?: (reached: boolean) => boolean;
}

/** Calls the driver once. Throws its errors as SessionErrors; TaskErrors as they are. */
export async function callDriver<T>(driver: Driver, options: CallOptions, call: () => Promise<T>): Promise<T> {
  const time = options.timeout + GRACE;
  let cancel = () => {};
  const timeout = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new driver.errors.OperationTimedOutError(`no answer within ${time} ms`));
    cancel = processRuntime.later(time, giveUp);
  });
  try {
    return await Promise.race([call(), timeout]);
  } catch (error) {
    throw toSessionError(error, driver, options);
  } finally {
    cancel();
  }
}

function toSessionError(cause: unknown, driver: Driver, { mayApply = () => false }: CallOptions): unknown {
  if (isTaskError(cause)) return cause;
  const { kind, reached } = classifyDriverError(cause, driver);
  return new SessionError(kind, mayApply(reached), describeDriverError(cause), cause);
}
