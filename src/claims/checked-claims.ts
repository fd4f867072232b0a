import type { Adapter, OperationOptions } from "../adapter/adapter.js";
import type { ClaimHolding, ClaimRequest, ClaimState, ClaimStore } from "../adapter/claim-store.js";
import { TaskError, type WriteOutcome } from "../core/errors.js";
import type { TaskKey } from "../core/keys.js";
import { callStore } from "../core/store-error.js";
import { isArray } from "../core/values.js";

/** The adapter's claims, which throw only TaskErrors. Throws UNSUPPORTED if it has none. */
export function claimsOf({ claims }: Adapter): ClaimStore {
  if (claims === undefined) throw new TaskError("UNSUPPORTED", "this store has no claims");
  return new CheckedClaims(claims);
}

/** Wraps an adapter's claims: throws only TaskErrors, and checks the types of the results. */
class CheckedClaims implements ClaimStore {
  readonly #store: ClaimStore;
  /** Only if the store has it: whoever calls it makes a signal before. */
  readonly forget?: NonNullable<ClaimStore["forget"]>;

  constructor(store: ClaimStore) {
    this.#store = store;
    if (store.forget) this.forget = (holding, options) => this.#forget(holding, options);
  }

  async claim(request: ClaimRequest, options?: OperationOptions): Promise<ClaimState | undefined> {
    return call("unknown", () => this.#store.claim(request, options), isStateOrNone);
  }

  async renew(holding: ClaimHolding, lease: number, options?: OperationOptions): Promise<number | undefined> {
    return call("unknown", () => this.#store.renew(holding, lease, options), isTimeOrNone);
  }

  async release(holding: ClaimHolding, retryIn: number, options?: OperationOptions): Promise<void> {
    await callStore("unknown", () => this.#store.release(holding, retryIn, options));
  }

  async #forget(holding: ClaimHolding, options?: OperationOptions): Promise<void> {
    await callStore("unknown", () => this.#store.forget?.(holding, options));
  }

  async states(keys: readonly TaskKey[], options?: OperationOptions): Promise<readonly (ClaimState | undefined)[]> {
    const areStates = (given: unknown) => isArray(given) && given.length === keys.length && given.every(isStateOrNone);
    return call("not-applied", () => this.#store.states(keys, options), areStates);
  }
}

async function call<T>(outcome: WriteOutcome, act: () => Promise<T>, isRight: (given: unknown) => boolean): Promise<T> {
  return callStore(outcome, async () => {
    const given = await act();
    if (isRight(given)) return given;
    throw new TaskError("UNAVAILABLE", "the adapter's claims returned an invalid result", { outcome });
  });
}

function isStateOrNone(given: unknown): boolean {
  if (given === undefined) return true;
  const { savedAt, owner, token, attempt, until } = Object(given) as Partial<Record<keyof ClaimState, unknown>>;
  const hasOwner = owner === undefined || typeof owner === "string";
  return hasOwner && typeof savedAt === "bigint" && typeof token === "bigint" && isNumber(attempt) && isNumber(until);
}

function isTimeOrNone(given: unknown): boolean {
  return given === undefined || isNumber(given);
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && !Number.isNaN(value);
}
