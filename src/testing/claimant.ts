import assert from "node:assert/strict";
import type { CompleteEntry } from "../adapter/adapter.js";
import type { ClaimHolding, ClaimState, ClaimStore } from "../adapter/claim-store.js";
import type { Client } from "./client.js";

/** A claim that was granted, with all that is needed to renew and to release it. */
export type Granted = ClaimState & ClaimHolding;

/** Longer than any case takes, in milliseconds. */
export const LONG_LEASE = 600_000;

export function claimsOf({ adapter }: Client): ClaimStore {
  assert.ok(adapter.claims, "the adapter has no claims: pass claims: false");
  return adapter.claims;
}

/** An owner that claims tasks through an adapter. */
export class Claimant {
  readonly owner: string;
  readonly #client: Client;

  constructor(client: Client, owner: string) {
    this.#client = client;
    this.owner = owner;
  }

  /** Claims a task; undefined if it is refused. */
  async claim({ taskList, id, savedAt }: CompleteEntry, lease: number = LONG_LEASE): Promise<Granted | undefined> {
    const state = await claimsOf(this.#client).claim({ taskList, id, savedAt, owner: this.owner, lease });
    if (state === undefined) return undefined;
    assert.equal(state.owner, this.owner, "a claim belongs to the owner who made it");
    assert.equal(state.savedAt, savedAt, "a claim is for the version that was asked for");
    return { ...state, taskList, id };
  }

  /** Claims a task; fails if it is refused. */
  async expectGranted(task: CompleteEntry, lease?: number): Promise<Granted> {
    const granted = await this.claim(task, lease);
    assert.ok(granted, `${this.owner} may claim ${task.id}, but was refused`);
    return granted;
  }

  async expectRefused(task: CompleteEntry): Promise<void> {
    assert.equal(
      await this.claim(task),
      undefined,
      `${this.owner} was granted a claim that another owner has, or that nobody can have`,
    );
  }

  async renew(claim: Granted, lease: number = LONG_LEASE): Promise<number | undefined> {
    return claimsOf(this.#client).renew(claim, lease);
  }

  async expectRenewed(claim: Granted, lease?: number): Promise<number> {
    const until = await this.renew(claim, lease);
    assert.ok(until !== undefined, `${this.owner} holds ${claim.id}, but could not renew its claim`);
    return until;
  }

  async expectLost(claim: Granted): Promise<void> {
    assert.equal(await this.renew(claim), undefined, `${this.owner} renewed a claim that is lost`);
  }

  async release(claim: Granted, retryIn = 0): Promise<void> {
    await claimsOf(this.#client).release(claim, retryIn);
  }

  /** Completes the task under its claim, as the runtime does. */
  async complete(task: CompleteEntry, claim: Granted): Promise<void> {
    await this.#client.complete(task);
    await claimsOf(this.#client).forget?.(claim);
  }
}
