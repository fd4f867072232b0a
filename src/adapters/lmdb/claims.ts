import type { OperationOptions } from "../../adapter.js";
import {
  type ClaimHolding,
  type ClaimRequest,
  type ClaimState,
  type ClaimStore,
  grantClaim,
  releaseClaim,
  renewClaim,
} from "../../claim-store.js";
import type { TaskKey } from "../../keys.js";
import { toMilliseconds, type VersionClock } from "../../version.js";
import { decodeClaimRow } from "./claim-row.js";
import type { Block } from "./draft.js";
import { taskKey } from "./layout.js";
import type { OpenStore } from "./open-store.js";

export interface LmdbClaimsOptions {
  readonly clock: VersionClock;
  /** Does something with the open store. */
  perform<T>(signal: AbortSignal | undefined, action: (store: OpenStore) => T | Promise<T>): Promise<T>;
}

/**
 * The claims of a store on this machine. One is granted in the transaction that sees the version open and nobody else's
 * claim on it, and goes with the task when that is completed. All processes have one clock, so a lease has ended when it says.
 */
export class LmdbClaims implements ClaimStore {
  readonly #options: LmdbClaimsOptions;

  constructor(options: LmdbClaimsOptions) {
    this.#options = options;
  }

  claim(request: ClaimRequest, { signal }: OperationOptions = {}): Promise<ClaimState | undefined> {
    return this.#write(request, signal, (block, key) => {
      if (block.task(key).version !== request.savedAt) return undefined;
      const claim = block.claim(key);
      const { clock } = this.#options;
      const time = { now: this.#now(), tolerance: 0 };
      const state = grantClaim(claim.row?.state, request, time, (after) => clock.next(after));
      if (state) block.putClaim(claim, state);
      return state;
    });
  }

  async renew(holding: ClaimHolding, lease: number, options: OperationOptions = {}): Promise<number | undefined> {
    const state = await this.#change(holding, options, (state) => renewClaim(state, lease, this.#now()));
    return state?.until;
  }

  async release(holding: ClaimHolding, retryIn: number, options: OperationOptions = {}): Promise<void> {
    await this.#change(holding, options, (state) => releaseClaim(state, retryIn, this.#now()));
  }

  states(keys: readonly TaskKey[], { signal }: OperationOptions = {}): Promise<readonly (ClaimState | undefined)[]> {
    return this.#options.perform(signal, ({ environment }) =>
      environment.read(() => keys.map((key) => decodeClaimRow(environment.claims.getBinaryFast(taskKey(key)))?.state)),
    );
  }

  /** Changes the state of a claim that is still held. */
  #change(
    holding: ClaimHolding,
    { signal }: OperationOptions,
    change: (state: ClaimState) => ClaimState,
  ): Promise<ClaimState | undefined> {
    return this.#write(holding, signal, (block, key) => {
      const claim = block.claim(key);
      const before = claim.row?.state;
      if (before?.owner === undefined || before.token !== holding.token) return undefined;
      const after = change(before);
      block.putClaim(claim, after);
      return after;
    });
  }

  async #write<T>(key: TaskKey, signal: AbortSignal | undefined, draft: (block: Block, key: Buffer) => T): Promise<T> {
    const [outcome] = await this.#options.perform(signal, ({ queue }) =>
      queue.write([key], (_, block) => draft(block, taskKey(key)), signal),
    );
    if (outcome?.ok) return outcome.value;
    throw outcome?.error;
  }

  /** In milliseconds. */
  #now(): number {
    return toMilliseconds(this.#options.clock.now());
  }
}
