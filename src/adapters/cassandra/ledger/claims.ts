import {
  type ClaimHolding,
  type ClaimRequest,
  type ClaimState,
  endOfLease,
  endOfWait,
  grantClaim,
} from "../../../adapter/claim-store.js";
import { chunks, forEachConcurrently } from "../../../core/concurrency.js";
import type { TaskKey } from "../../../core/keys.js";
import { toMilliseconds, type Version } from "../../../core/version.js";
import type { ClockGuard } from "../clock-guard.js";
import type { ClaimEnd, ClaimRow, ClaimSession } from "../model/session.js";
import { type RetryPolicy, retryAttempts, retryRead, toTaskError } from "../retry.js";
import type { Runtime } from "../runtime.js";

export interface CassandraClaimsOptions {
  readonly policy: RetryPolicy;
  /** How far the clocks of two hosts may be apart, in milliseconds. */
  readonly tolerance: number;
  /** The version of an open task. */
  readonly versionOf: (key: TaskKey, signal: AbortSignal | undefined) => Promise<Version | undefined>;
}

/** Number of attempts at a claim if the row keeps changing. */
const ATTEMPTS = 3;

/** Maximum number of tasks whose states are read by one query, each of a partition of its own. */
const IDS_PER_READ = 32;

/** Maximum number of queries in flight for one call of `states`. */
const CONCURRENCY = 8;

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
  async claim(request: ClaimRequest, signal: AbortSignal | undefined): Promise<ClaimState | undefined> {
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
  async #tryToClaim(
    request: ClaimRequest,
    signal: AbortSignal | undefined,
  ): Promise<ClaimState | undefined | "changed"> {
    await this.#guard.untilTrusted(signal);
    const [before, isOpen] = await Promise.all([this.#read(request, signal), this.#isOpen(request, signal)]);
    if (!isOpen) return undefined;
    const time = { now: this.#now(), tolerance: this.#options.tolerance };
    const state = grantClaim(before.state, request, time, (after) => this.#runtime.clock.next(after));
    if (state === undefined) return undefined;
    const wasGranted = await this.#write(request, "once", signal, (timeout) =>
      this.#session.replaceClaim(request, before, state, timeout),
    );
    if (!wasGranted) return "changed";
    if (await this.#isOpen(request, undefined)) return state;
    await this.#takeBack(request, state, before.state);
    return undefined;
  }

  async renew(holding: ClaimHolding, lease: number, signal: AbortSignal | undefined): Promise<number | undefined> {
    await this.#guard.untilTrusted(signal);
    return this.#write(holding, "again", signal, (timeout) =>
      this.#session.renewClaim(holding, endOfLease(lease, this.#now()), timeout),
    );
  }

  async release(holding: ClaimHolding, retryIn: number, signal: AbortSignal | undefined): Promise<void> {
    const until = endOfWait(retryIn, this.#now());
    await this.#end(holding, { kind: "release", until }, signal);
  }

  async forget(holding: ClaimHolding, signal: AbortSignal | undefined): Promise<void> {
    await this.#end(holding, { kind: "forget" }, signal);
  }

  async states(
    keys: readonly TaskKey[],
    signal: AbortSignal | undefined,
  ): Promise<readonly (ClaimState | undefined)[]> {
    const places = new Map<string, number[]>();
    for (const [i, { taskList }] of keys.entries()) {
      const known = places.get(taskList);
      if (known) known.push(i);
      else places.set(taskList, [i]);
    }
    const reads = [...places].flatMap(([list, all]) => chunks(all, IDS_PER_READ).map((some) => ({ list, some })));
    const states: (ClaimState | undefined)[] = new Array(keys.length).fill(undefined);
    await forEachConcurrently(reads, CONCURRENCY, async ({ list, some }) => {
      const idAt = (i: number) => (keys[i] as TaskKey).id;
      const read = (timeout: number) => this.#session.readStates(list, some.map(idAt), timeout);
      const found = await retryRead(this.#runtime, this.#options.policy, signal, read, { taskList: list });
      for (const i of some) states[i] = found.get(idAt(i));
    });
    return states;
  }

  async #isOpen(request: ClaimRequest, signal: AbortSignal | undefined): Promise<boolean> {
    return (await this.#options.versionOf(request, signal)) === request.savedAt;
  }

  #read(key: TaskKey, signal: AbortSignal | undefined): Promise<ClaimRow> {
    const { taskList, id } = key;
    const read = (timeout: number) => this.#session.readClaim(key, timeout);
    return retryRead(this.#runtime, this.#options.policy, signal, read, { taskList, id });
  }

  /** Undoes the claim. If this fails, the claim expires. */
  async #takeBack(request: ClaimRequest, state: ClaimState, before: ClaimState | undefined): Promise<void> {
    const { token, until } = state;
    const change = (timeout: number) => this.#session.replaceClaim(request, { token, until, state }, before, timeout);
    await this.#write(request, "once", undefined, change).catch(() => undefined);
  }

  #end(holding: ClaimHolding, end: ClaimEnd, signal: AbortSignal | undefined): Promise<void> {
    return this.#write(holding, "again", signal, (timeout) => this.#session.endClaim(holding, end, timeout));
  }

  /** An attempt that may have been applied is repeated only if it is idempotent. */
  async #write<T>(
    { taskList, id }: TaskKey,
    mayRepeat: "once" | "again",
    signal: AbortSignal | undefined,
    write: (timeout: number) => Promise<T>,
  ): Promise<T> {
    const options = { mayRepeat: mayRepeat === "again", outcome: "unknown" } as const;
    try {
      return await retryAttempts(this.#runtime, this.#options.policy, signal, write, options);
    } catch (error) {
      throw toTaskError(error, { taskList, id });
    }
  }

  /** In milliseconds. */
  #now(): number {
    return toMilliseconds(this.#runtime.clock.now());
  }
}
