import {
  type ClaimHolding,
  type ClaimRequest,
  type ClaimState,
  endOfLease,
  endOfWait,
  grantClaim,
} from "../../../adapter/claim-store.js";
import { chunks, forEachConcurrently } from "../../../core/concurrency.js";
import { joinKey, type TaskKey } from "../../../core/keys.js";
import { toMilliseconds, type Version } from "../../../core/version.js";
import type { ClockGuard } from "../clock-guard.js";
import type { ClaimSession } from "../model/session.js";
import { type RetryOptions, type RetryPolicy, retryCall } from "../retry.js";
import type { Runtime } from "../runtime.js";

export interface CassandraClaimsOptions {
  readonly policy: RetryPolicy;
  /** How far the clocks of two hosts may be apart, in milliseconds. */
  readonly tolerance: number;
  /** The version of an open task. */
  readonly versionOf: (key: TaskKey, signal?: AbortSignal) => Promise<Version | undefined>;
}

/** Number of attempts at a claim if the row keeps changing. */
const ATTEMPTS = 3;

/** Maximum number of tasks whose states are read by one query, each of a partition of its own. */
const IDS_PER_READ = 32;

/** Maximum number of queries in flight for one call of `states`. */
const CONCURRENCY = 8;

/** An attempt that may have been applied is repeated only if it is idempotent. */
const once: RetryOptions = { mayRepeat: false, outcome: "unknown" };
const again: RetryOptions = { mayRepeat: true, outcome: "unknown" };

/**
 * The claims of a keyspace: a row for each task, which only lightweight transactions change, so that one of several
 * concurrent ones succeeds, whichever coordinators they use. Leases are given and judged by the clients' clocks, which are compared
 * with the servers'; judging adds twice the limit.
 */
export class CassandraClaims {
  readonly #session: ClaimSession;
  readonly #runtime: Runtime;
  readonly #guard: ClockGuard;
  readonly #options: CassandraClaimsOptions;

  constructor(session: ClaimSession, runtime: Runtime, guard: ClockGuard, options: CassandraClaimsOptions) {
    this.#session = session;
    this.#runtime = runtime;
    this.#guard = guard;
    this.#options = options;
  }

  /** Retries if the row has changed meanwhile, for example by a release, which does not prevent the claim. */
  async claim(request: ClaimRequest, signal?: AbortSignal): Promise<ClaimState | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = await this.#tryToClaim(request, signal);
      if (outcome !== "changed") return outcome;
    }
    return undefined;
  }

  /**
   * Checks twice whether the version is open: before, so that a claim to a closed version does not block an open one; and after,
   * since it may have been completed before this claim was granted.
   */
  async #tryToClaim(request: ClaimRequest, signal?: AbortSignal): Promise<ClaimState | undefined | "changed"> {
    await this.#guard.untilTrusted(signal);
    const read = (timeout: number) => this.#session.readClaim(request, timeout);
    const [before, isOpen] = await Promise.all([this.#call(request, signal, read), this.#isOpen(request, signal)]);
    if (!isOpen) return undefined;
    const time = { now: this.#now(), tolerance: this.#options.tolerance };
    const state = grantClaim(before.state, request, time, (after) => this.#runtime.clock.next(after));
    if (state === undefined) return undefined;
    const grant = (timeout: number) => this.#session.replaceClaim(request, before, state, timeout);
    if (!(await this.#call(request, signal, grant, once))) return "changed";
    if (await this.#isOpen(request, undefined)) return state;
    const { token, until } = state;
    const takeBack = (timeout: number) =>
      this.#session.replaceClaim(request, { token, until, state }, before.state, timeout);
    await this.#call(request, undefined, takeBack, once).catch(() => undefined); // then it expires
    return undefined;
  }

  async renew(holding: ClaimHolding, lease: number, signal?: AbortSignal): Promise<number | undefined> {
    await this.#guard.untilTrusted(signal);
    const renew = (timeout: number) => this.#session.renewClaim(holding, endOfLease(lease, this.#now()), timeout);
    return this.#call(holding, signal, renew, again);
  }

  async release(holding: ClaimHolding, retryIn: number, signal?: AbortSignal): Promise<void> {
    const until = endOfWait(retryIn, this.#now());
    const release = (timeout: number) => this.#session.endClaim(holding, { kind: "release", until }, timeout);
    await this.#call(holding, signal, release, again);
  }

  async forget(holding: ClaimHolding, signal?: AbortSignal): Promise<void> {
    const forget = (timeout: number) => this.#session.endClaim(holding, { kind: "forget" }, timeout);
    await this.#call(holding, signal, forget, again);
  }

  async states(keys: readonly TaskKey[], signal?: AbortSignal): Promise<readonly (ClaimState | undefined)[]> {
    const lists = [...new Set(keys.map(({ taskList }) => taskList))];
    const reads = lists.flatMap((taskList) => {
      const ids = keys.filter((key) => key.taskList === taskList).map(({ id }) => id);
      return chunks(ids, IDS_PER_READ).map((some) => ({ taskList, some }));
    });
    const states = new Map<string, ClaimState>();
    await forEachConcurrently(reads, CONCURRENCY, async ({ taskList, some }) => {
      const read = (timeout: number) => this.#session.readStates(taskList, some, timeout);
      for (const [id, state] of await this.#call({ taskList }, signal, read))
        states.set(joinKey({ taskList, id }), state);
    });
    return keys.map((key) => states.get(joinKey(key)));
  }

  async #isOpen(request: ClaimRequest, signal?: AbortSignal): Promise<boolean> {
    return (await this.#options.versionOf(request, signal)) === request.savedAt;
  }

  #call<T>(
    key: Partial<TaskKey>,
    signal: AbortSignal | undefined,
    call: (timeout: number) => Promise<T>,
    options?: RetryOptions,
  ): Promise<T> {
    return retryCall(this.#runtime, this.#options.policy, signal, call, key, options);
  }

  /** In milliseconds. */
  #now(): number {
    return toMilliseconds(this.#runtime.clock.now());
  }
}
