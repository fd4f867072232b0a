import type { Client, policies, QueryOptions, types } from "cassandra-driver";
import { processRuntime } from "../runtime.js";
import { type Driver, type MayApply, toSessionError } from "./errors.js";
import { internalsOf } from "./internals.js";
import type { Query } from "./statements.js";

/** How long after its timeout the driver is given up, in milliseconds: the timeout does not include the time before sending. */
const GRACE = 250;

/**
 * Calls the driver once. Throws its errors as SessionErrors; those of the adapter as they are.
 *
 * @param timeout In milliseconds; the call is given up a little later, whatever the driver does.
 */
export async function callDriver<T>(
  driver: Driver,
  timeout: number,
  call: () => Promise<T>,
  mayApply?: MayApply,
): Promise<T> {
  const time = timeout + GRACE;
  let cancel = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new driver.errors.OperationTimedOutError(`no answer within ${time} ms`));
    cancel = processRuntime.later(time, giveUp);
  });
  try {
    return await Promise.race([call(), givenUp]);
  } catch (error) {
    throw toSessionError(error, driver, mayApply);
  } finally {
    cancel();
  }
}

/** Which keyspace is used, and how. */
export interface CallerOptions {
  readonly client: Client;
  readonly driver: Driver;
  readonly keyspace: string;
  readonly consistency: types.consistencies;
  /** Of lightweight transactions. */
  readonly serialConsistency?: types.consistencies;
  /** Calls wait until the keyspace is known to be the one that was opened. */
  readonly guard?: { untilTrusted(timeout: number): Promise<void> };
}

/** Sends the statements of a keyspace: prepared, one attempt each. Throws SessionErrors, and what the guard throws. */
export class Caller {
  readonly client: Client;
  readonly driver: Driver;
  readonly keyspace: string;
  readonly #guard: CallerOptions["guard"];
  readonly #options: QueryOptions;

  constructor({ client, driver, keyspace, guard, ...consistency }: CallerOptions) {
    this.client = client;
    this.driver = driver;
    this.keyspace = keyspace;
    this.#guard = guard;
    // The adapter does the retries; the driver must make none. Every read is bounded, and comes as a whole, without pages.
    const retry = new driver.policies.retry.FallthroughRetryPolicy();
    this.#options = { ...consistency, prepare: true, isIdempotent: true, fetchSize: 0, logged: true, retry };
  }

  async #call<T>(timeout: number, call: (options: QueryOptions) => Promise<T>, mayApply?: MayApply): Promise<T> {
    await this.#guard?.untilTrusted(timeout);
    return callDriver(this.driver, timeout, () => call({ ...this.#options, readTimeout: timeout }), mayApply);
  }

  async batch(queries: Query[], timeout: number): Promise<void> {
    const start = performance.now();
    const delay = speculationDelay(this.client, this.driver);
    // The error is from one coordinator. Another, which was asked before and hangs, may still apply it.
    const mayApply = (reached: boolean) => reached || performance.now() - start >= delay;
    await this.#call(timeout, (options) => this.client.batch(queries, options), mayApply);
  }

  /** A write of one statement. The driver may send it twice only if it is idempotent. */
  write(query: string, params: unknown[], timeout: number, options: QueryOptions = {}): Promise<types.ResultSet> {
    const send = (common: QueryOptions) => this.client.execute(query, params, { ...common, ...options });
    return this.#call(timeout, send, (reached) => reached);
  }

  read(query: string, params: unknown[], timeout: number, options: QueryOptions = {}): Promise<types.ResultSet> {
    return this.#call(timeout, (common) => this.client.execute(query, params, { ...common, ...options }));
  }
}

/** After how many milliseconds the client may ask a second coordinator; at once with a policy that is not the driver's. */
function speculationDelay(client: Client, { policies }: Driver): number {
  const { NoSpeculativeExecutionPolicy, ConstantSpeculativeExecutionPolicy } = policies.speculativeExecution;
  const { options } = internalsOf(client);
  const policy: policies.speculativeExecution.SpeculativeExecutionPolicy | undefined =
    options?.policies?.speculativeExecution;
  if (policy instanceof NoSpeculativeExecutionPolicy) return Infinity;
  return policy instanceof ConstantSpeculativeExecutionPolicy ? policy.newPlan("", "").nextExecution() : 0;
}
