import type { Client, policies, QueryOptions, types } from "cassandra-driver";
import { processRuntime } from "../runtime.js";
import { type Driver, toSessionError } from "./errors.js";
import { internalsOf } from "./internals.js";
import type { Query } from "./statements.js";

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

/** Calls the driver once. Throws its errors as SessionErrors; those of the adapter as they are. */
export async function callDriver<T>(driver: Driver, options: CallOptions, call: () => Promise<T>): Promise<T> {
  const time = options.timeout + GRACE;
  let cancel = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new driver.errors.OperationTimedOutError(`no answer within ${time} ms`));
    cancel = processRuntime.later(time, giveUp);
  });
  try {
    return await Promise.race([call(), givenUp]);
  } catch (error) {
    throw toSessionError(error, driver, options.mayApply);
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

  async #call<T>(options: CallOptions, call: (options: QueryOptions) => Promise<T>): Promise<T> {
    const { timeout } = options;
    await this.#guard?.untilTrusted(timeout);
    return callDriver(this.driver, options, () => call({ ...this.#options, readTimeout: timeout }));
  }

  async batch(queries: Query[], timeout: number): Promise<void> {
    const start = performance.now();
    const delay = speculationDelay(this.client, this.driver);
    // The error is from one coordinator. Another, which was asked before and hangs, may still apply it.
    const mayApply = (reached: boolean) => reached || performance.now() - start >= delay;
    await this.#call({ timeout, mayApply }, (options) => this.client.batch(queries, options));
  }

  /** A write of one statement. The driver may send it twice only if it is idempotent. */
  write(query: string, params: unknown[], timeout: number, options: QueryOptions = {}): Promise<types.ResultSet> {
    const mayApply = (reached: boolean) => reached;
    return this.#call({ timeout, mayApply }, (common) => this.client.execute(query, params, { ...common, ...options }));
  }

  read(query: string, params: unknown[], timeout: number, options: QueryOptions = {}): Promise<types.ResultSet> {
    return this.#call({ timeout }, (common) => this.client.execute(query, params, { ...common, ...options }));
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
