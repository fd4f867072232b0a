import {
  type ClaimHolding,
  type ClaimRequest,
  type ClaimState,
  type ClaimStore,
  type CompleteEntry,
  type Outcome,
  REDELIVERY,
  type SaveEntry,
} from "../../src/adapter/index.js";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import type { OperationOptions, TaskKey, Version } from "../../src/index.js";

/** A store in memory with some functions of its claims replaced. */
abstract class Changed extends MemoryAdapter {
  readonly #claims: ClaimStore;

  constructor() {
    super();
    const right = super.claims;
    const calls: ClaimStore = {
      claim: (...call) => right.claim(...call),
      renew: (...call) => right.renew(...call),
      release: (...call) => right.release(...call),
      states: (...call) => right.states(...call),
    };
    this.#claims = { ...calls, ...this.change(calls) };
  }

  abstract change(right: ClaimStore): Partial<ClaimStore>;

  override get claims(): ClaimStore {
    return this.#claims;
  }
}

const nameOf = ({ taskList, id }: TaskKey) => JSON.stringify([taskList, id]);
const FAR = 10 ** 9;

/** Ignores owners: two hold a task at once. */
export class GrantsToEveryOwner extends Changed {
  change(right: ClaimStore) {
    const claim = async (request: ClaimRequest, options?: OperationOptions) => {
      const state = await right.claim({ ...request, owner: "everybody" }, options);
      return state && { ...state, owner: request.owner };
    };
    return { claim };
  }
}

/** Reads, and writes later: several concurrent claims are granted. */
export class GrantsInTwoSteps extends Changed {
  change(right: ClaimStore) {
    const claim = async (request: ClaimRequest) => {
      const [state] = await right.states([request]);
      await new Promise((resolve) => setImmediate(resolve));
      if (state?.owner !== undefined && state.owner !== request.owner) return right.claim(request);
      const granted = await right.claim({ ...request, owner: "nobody yet" });
      return granted && { ...granted, owner: request.owner };
    };
    return { claim };
  }
}

/** Gives every claim the same token. */
export class RepeatsTokens extends Changed {
  change(right: ClaimStore) {
    const claim = async (request: ClaimRequest, options?: OperationOptions) => {
      const state = await right.claim(request, options);
      return state && { ...state, token: 1n };
    };
    return { claim };
  }
}

/** Counts tokens from 1 again when a task has been completed. */
export class CountsTokensAnew extends Changed {
  change(right: ClaimStore) {
    const tokens = new Map<string, bigint>();
    const claim = async (request: ClaimRequest) => {
      const state = await right.claim(request);
      if (state?.attempt === 1) tokens.delete(nameOf(request));
      tokens.set(nameOf(request), (tokens.get(nameOf(request)) ?? 0n) + 1n);
      return state && { ...state, token: tokens.get(nameOf(request)) as bigint };
    };
    return { claim };
  }
}

/** Keeps a claim however long ago its lease has ended. */
export class NeverExpires extends Changed {
  change(right: ClaimStore) {
    return { claim: (request: ClaimRequest) => right.claim({ ...request, lease: FAR }) };
  }
}

/** Ends a lease after a tenth of it. */
export class ExpiresEarly extends Changed {
  change(right: ClaimStore) {
    const claim = async (request: ClaimRequest) => {
      const state = await right.claim({ ...request, lease: request.lease / 10 });
      return state && { ...state, until: state.until + Math.floor(request.lease * 0.9) };
    };
    return { claim };
  }
}

/** Reports a renewal, but does not change the end of the lease. */
export class RenewsInWordsOnly extends Changed {
  change(right: ClaimStore) {
    const renew = async (holding: ClaimHolding, lease: number) => {
      const [state] = await right.states([holding]);
      const isHeld = state?.owner !== undefined && state.token === holding.token;
      return isHeld ? Date.now() + lease : undefined;
    };
    return { renew };
  }
}

/** Adds to a lease, instead of starting it anew. */
export class RenewsFromTheEnd extends Changed {
  change(right: ClaimStore) {
    const renew = async (holding: ClaimHolding, lease: number) => {
      const [state] = await right.states([holding]);
      return right.renew(holding, lease + Math.max(0, (state?.until ?? 0) - Date.now()));
    };
    return { renew };
  }
}

/** Lets a renewal end a lease earlier. */
export class ShortensLeases extends Changed {
  change(right: ClaimStore) {
    const ends = new Map<bigint, number>();
    return {
      claim: async (request: ClaimRequest) => {
        const [state] = await right.states([request]);
        if (state && Date.now() >= (ends.get(state.token) ?? FAR * FAR))
          await right.release({ ...request, ...state }, 0);
        return right.claim(request);
      },
      async renew(holding: ClaimHolding, lease: number) {
        ends.set(holding.token, Date.now() + lease);
        return right.renew(holding, lease);
      },
    };
  }
}

/** Lets former owners renew a claim. */
export class RenewsForAnybody extends Changed {
  change(right: ClaimStore) {
    const renew = async (holding: ClaimHolding, lease: number) => {
      const [state] = await right.states([holding]);
      return state && right.renew({ ...holding, token: state.token }, lease);
    };
    return { renew };
  }
}

/** Lets former owners release a claim. */
export class ReleasesForAnybody extends Changed {
  change(right: ClaimStore) {
    const release = async (holding: ClaimHolding, retryIn: number) => {
      const [state] = await right.states([holding]);
      if (state) await right.release({ ...holding, token: state.token }, retryIn);
    };
    return { release };
  }
}

/** Renews claims that have been released. */
export class RenewsWhatIsReleased extends Changed {
  change(right: ClaimStore) {
    const released = new Set<bigint>();
    return {
      async release(holding: ClaimHolding, retryIn: number) {
        released.add(holding.token);
        await right.release(holding, retryIn);
      },
      renew: async (holding: ClaimHolding, lease: number) =>
        released.has(holding.token) ? Date.now() + lease : right.renew(holding, lease),
    };
  }
}

/** Ends a lease at its end, even if nobody else wants the task. */
export class RefusesLateRenewals extends Changed {
  change(right: ClaimStore) {
    const renew = async (holding: ClaimHolding, lease: number) => {
      const [state] = await right.states([holding]);
      return state && state.until < Date.now() ? undefined : right.renew(holding, lease);
    };
    return { renew };
  }
}

/** Forgets when a task may be tried again. */
export class IgnoresRetryIn extends Changed {
  change(right: ClaimStore) {
    return { release: (holding: ClaimHolding) => right.release(holding, 0) };
  }
}

/** Grants claims to any version, open or not. */
export class GrantsWhatIsNotOpen extends Changed {
  change(right: ClaimStore) {
    const claim = async (request: ClaimRequest): Promise<ClaimState | undefined> => {
      const { owner, savedAt, lease } = request;
      const state = await right.claim(request);
      return state ?? { owner, savedAt, token: 1n, attempt: 1, until: Date.now() + lease };
    };
    return { claim };
  }
}

/** Grants a claim, and only then checks that the version is open. */
export class LeavesTraces extends Changed {
  readonly #refused = new Set<string>();

  change(right: ClaimStore) {
    const claim = async (request: ClaimRequest) => {
      const [stored] = await this.find([request]);
      const isOpen = stored?.savedAt === request.savedAt;
      if (!isOpen) this.#refused.add(nameOf(request));
      return this.#refused.has(nameOf(request)) ? undefined : right.claim(request);
    };
    return { claim };
  }
}

/** Claims a task, whatever its version. */
export class ClaimsEveryVersion extends Changed {
  change(right: ClaimStore) {
    const owners = new Map<string, string>();
    return {
      async claim(request: ClaimRequest) {
        const owner = owners.get(nameOf(request));
        if (owner !== undefined && owner !== request.owner) return undefined;
        const state = await right.claim(request);
        if (state) owners.set(nameOf(request), request.owner);
        return state;
      },
      async release(holding: ClaimHolding, retryIn: number) {
        owners.delete(nameOf(holding));
        await right.release(holding, retryIn);
      },
    };
  }
}

/** Applies the delay of a release to newer versions, too. */
export class MakesLaterVersionsWait extends Changed {
  change(right: ClaimStore) {
    const waits = new Map<string, number>();
    return {
      claim: async (request: ClaimRequest) =>
        Date.now() < (waits.get(nameOf(request)) ?? 0) ? undefined : right.claim(request),
      async release(holding: ClaimHolding, retryIn: number) {
        waits.set(nameOf(holding), Date.now() + retryIn);
        await right.release(holding, retryIn);
      },
    };
  }
}

/** Forgets the claims to a task when it is saved again. */
export class ForgetsAtSave extends Changed {
  readonly #before = new Map<string, number>();

  change(right: ClaimStore) {
    const claim = async (request: ClaimRequest) => {
      const state = await right.claim(request);
      return state && { ...state, attempt: state.attempt - (this.#before.get(nameOf(request)) ?? 0) };
    };
    return { claim };
  }

  override async save(entries: readonly SaveEntry[]): Promise<readonly Outcome<Version>[]> {
    const states = await super.claims.states(entries);
    for (const [i, entry] of entries.entries()) this.#before.set(nameOf(entry), states[i]?.attempt ?? 0);
    return super.save(entries);
  }
}

/** Continues to count attempts if a task is saved anew after a complete under its claim. */
export class CountsForEver extends Changed {
  change(right: ClaimStore) {
    const attempts = new Map<string, number>();
    const claim = async (request: ClaimRequest) => {
      const state = await right.claim(request);
      if (state) attempts.set(nameOf(request), (attempts.get(nameOf(request)) ?? 0) + 1);
      return state && { ...state, attempt: attempts.get(nameOf(request)) as number };
    };
    return { claim };
  }
}

/** Prevents others from saving and completing a claimed task. */
export class LocksTasks extends Changed {
  change(right: ClaimStore) {
    return right;
  }

  override async complete(entries: readonly CompleteEntry[]): Promise<readonly Outcome<void>[]> {
    const states = await this.claims.states(entries);
    await super.complete(entries.filter((_, i) => states[i]?.owner === undefined));
    return entries.map(() => ({ ok: true, value: undefined }));
  }
}

/** Has one claim for a whole list. */
export class ClaimsLists extends Changed {
  change(right: ClaimStore) {
    const owners = new Map<string, string>();
    const claim = async (request: ClaimRequest) => {
      const owner = owners.get(request.taskList);
      if (owner !== undefined && owner !== request.owner) return undefined;
      owners.set(request.taskList, request.owner);
      return right.claim(request);
    };
    return { claim };
  }
}

/** Treats ids as equal that differ in case, or are equivalent in Unicode. */
export class FoldsIds extends Changed {
  change(right: ClaimStore) {
    const attempts = new Map<string, number>();
    const claim = async (request: ClaimRequest) => {
      const name = request.id.normalize().toLowerCase();
      attempts.set(name, (attempts.get(name) ?? 0) + 1);
      const state = await right.claim(request);
      return state && { ...state, attempt: attempts.get(name) as number };
    };
    return { claim };
  }
}

/** Refuses a new claim of the owner that has the claim. */
export class RefusesItsOwner extends Changed {
  change(right: ClaimStore) {
    const claim = async (request: ClaimRequest) => {
      const [state] = await right.states([request]);
      return state?.owner === request.owner && state.savedAt === request.savedAt ? undefined : right.claim(request);
    };
    return { claim };
  }
}

/** Returns states in its own order, each once. */
export class SortsStates extends Changed {
  change(right: ClaimStore) {
    return { states: (keys: readonly TaskKey[]) => right.states([...new Set(keys)]) };
  }
}

/** Ignores signals. */
export class IgnoresClaimSignals extends Changed {
  change(right: ClaimStore): Partial<ClaimStore> {
    return {
      claim: (request) => right.claim(request),
      renew: (holding, lease) => right.renew(holding, lease),
      release: (holding, retryIn) => right.release(holding, retryIn),
      states: (keys) => right.states(keys),
    };
  }
}

/** Returns states after it was closed. */
export class ClaimsAfterClose extends Changed {
  change(right: ClaimStore): Partial<ClaimStore> {
    return { states: (keys) => right.states(keys).catch(() => keys.map(() => undefined)) };
  }
}

/** Treats a mark as another owner's claim. */
export class TakesMarksForClaims extends Changed {
  change(right: ClaimStore) {
    const claim = (request: ClaimRequest, options?: OperationOptions) =>
      right.claim({ ...request, owner: request.owner === REDELIVERY ? "the queue" : request.owner }, options);
    return { claim };
  }
}

/** Sets a mark over any claim to an older version. */
export class MarksOverClaims extends Changed {
  change(right: ClaimStore) {
    const claim = async (request: ClaimRequest, options?: OperationOptions) => {
      const [state] = await right.states([request]);
      const isOlder = state !== undefined && state.savedAt < request.savedAt && state.owner !== REDELIVERY;
      if (request.owner === REDELIVERY && isOlder) await right.release({ ...request, token: state.token }, 0);
      return right.claim(request, options);
    };
    return { claim };
  }
}

/** Stores the marked version, as if it had been claimed. */
export class MarksAsClaimed extends Changed {
  change(right: ClaimStore) {
    const marked = new Map<string, bigint>();
    const claim = async (request: ClaimRequest, options?: OperationOptions) => {
      const state = await right.claim(request, options);
      if (state?.owner === REDELIVERY) marked.set(nameOf(request), request.savedAt);
      else if (state) marked.delete(nameOf(request));
      return state;
    };
    const states = async (keys: readonly TaskKey[]) =>
      (await right.states(keys)).map(
        (state, i) => state && { ...state, savedAt: marked.get(nameOf(keys[i] as TaskKey)) ?? state.savedAt },
      );
    return { claim, states };
  }
}
