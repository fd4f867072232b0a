import {
  type ClaimHolding,
  type ClaimRequest,
  type ClaimState,
  type ClaimStore,
  grantClaim,
  joinKey,
  type OperationOptions,
  releaseClaim,
  renewClaim,
  type TaskKey,
  toMilliseconds,
  type Version,
  type VersionClock,
} from "../../adapter/index.js";

export interface MemoryClaimsOptions {
  readonly clock: VersionClock;
  /** Throws if the adapter is closed, or the signal aborted. */
  readonly check: (signal: AbortSignal | undefined) => void;
  /** The version of an open task. */
  readonly versionOf: (key: TaskKey) => Version | undefined;
}

/** The claims of a store in this process's memory. All are checked by one clock. */
export class MemoryClaims implements ClaimStore {
  readonly #states = new Map<string, ClaimState>();
  readonly #clock: VersionClock;
  readonly #check: MemoryClaimsOptions["check"];
  readonly #versionOf: MemoryClaimsOptions["versionOf"];

  constructor({ clock, check, versionOf }: MemoryClaimsOptions) {
    this.#clock = clock;
    this.#check = check;
    this.#versionOf = versionOf;
  }

  async claim(request: ClaimRequest, { signal }: OperationOptions = {}) {
    this.#check(signal);
    if (this.#versionOf(request) !== request.savedAt) return undefined;
    const time = { now: this.#now(), tolerance: 0 };
    const state = grantClaim(this.#states.get(joinKey(request)), request, time, (after) => this.#clock.next(after));
    return this.#put(request, state);
  }

  async renew(holding: ClaimHolding, lease: number, { signal }: OperationOptions = {}) {
    this.#check(signal);
    const state = this.#held(holding);
    return this.#put(holding, state && renewClaim(state, lease, this.#now()))?.until;
  }

  async release(holding: ClaimHolding, retryIn: number, { signal }: OperationOptions = {}) {
    this.#check(signal);
    const state = this.#held(holding);
    this.#put(holding, state && releaseClaim(state, retryIn, this.#now()));
  }

  async states(keys: readonly TaskKey[], { signal }: OperationOptions = {}) {
    this.#check(signal);
    return keys.map((key) => this.#states.get(joinKey(key)));
  }

  /** The task is not open any more. */
  drop(key: TaskKey): void {
    this.#states.delete(joinKey(key));
  }

  /** In milliseconds. */
  #now(): number {
    return toMilliseconds(this.#clock.now());
  }

  #held(holding: ClaimHolding): ClaimState | undefined {
    const state = this.#states.get(joinKey(holding));
    return state?.owner !== undefined && state.token === holding.token ? state : undefined;
  }

  #put(key: TaskKey, state: ClaimState | undefined): ClaimState | undefined {
    if (state) this.#states.set(joinKey(key), state);
    return state;
  }
}
