import type { ClaimState, ClaimStore } from "../../src/adapter/claim-store.js";
import { decodeEnvelope } from "../../src/envelope/decode.js";
import { DEFAULT_MAX_TASK_BYTES, savedAtOf } from "../../src/envelope/envelope.js";
import type { Failable } from "./actor.js";
import type { PlainClaim } from "./claiming.js";

/** A TypeScript store's claims, as the other languages' drivers have them. */
export class ClaimCalls {
  readonly #claims: Omit<ClaimStore, "states">;

  constructor(claims: Omit<ClaimStore, "states">) {
    this.#claims = claims;
  }

  async claim(envelope: string, owner: string, lease: number): Promise<PlainClaim | null> {
    const task = decodeEnvelope(Buffer.from(envelope, "base64"), DEFAULT_MAX_TASK_BYTES);
    const { taskList, id } = task;
    const state = await this.#claims.claim({ taskList, id, savedAt: savedAtOf(task) ?? 0n, owner, lease });
    return state ? plain(taskList, id, state) : null;
  }

  async renew(claim: PlainClaim, lease: number): Promise<Failable & { claim: PlainClaim | null }> {
    const until = await this.#claims.renew(holding(claim), lease);
    if (until !== undefined) return { claim: { ...claim, until }, error: null };
    return { claim: null, error: { code: "CLAIM_LOST", outcome: "not-applied" } };
  }

  async release(claim: PlainClaim, retryIn: number): Promise<void> {
    await this.#claims.release(holding(claim), retryIn);
  }

  async forget(claim: PlainClaim): Promise<void> {
    await this.#claims.forget?.(holding(claim));
  }
}

function holding({ task_list: taskList, id, token }: PlainClaim) {
  return { taskList, id, token: BigInt(token) };
}

function plain(taskList: string, id: string, { savedAt, owner = "", token, attempt, until }: ClaimState): PlainClaim {
  return { task_list: taskList, id, saved_at: String(savedAt), owner, token: String(token), attempt, until };
}
