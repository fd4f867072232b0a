import { hostname } from "node:os";
import type { OperationOptions, StoredTask } from "../adapter/adapter.js";
import {
  type ClaimState,
  type ClaimStore,
  isClaimed,
  isOfWrongClock,
  NEVER,
  REDELIVERY,
} from "../adapter/claim-store.js";
import { checkDuration } from "../core/arguments.js";
import { invalidArgument } from "../core/errors.js";
import type { TaskKey } from "../core/keys.js";
import type { Version } from "../core/version.js";
import { Claim } from "./claim.js";

/** Options of `DataInterface.claim`. */
export interface ClaimOptions extends OperationOptions {
  /**
   * Who claims: a name of 1 to 512 characters. An owner that claims a task again takes it over from itself, such as a worker
   * that was restarted under its old name. @defaultValue a new name for each call
   */
  readonly owner?: string | undefined;
  /** How long the claim lasts, in milliseconds; at least 10. @defaultValue 60,000 */
  readonly lease?: number | undefined;
}

export const DEFAULT_LEASE = 60_000;
const LEAST_LEASE = 10;

let processName: string | undefined;
let owners = 0;

/** A unique name for an owner without one: the host, the process, and a number. */
export function newOwner(): string {
  owners++;
  // Only when it is needed: Deno asks for a permission.
  processName ??= `${hostname()}:${process.pid}:${Math.random().toString(36).slice(2, 8)}`;
  return `${processName}:${owners}`;
}

/** Throws INVALID_ARGUMENT. */
export function checkClaimOptions({ owner, lease }: ClaimOptions): void {
  if (owner !== undefined) checkOwner(owner);
  if (lease !== undefined) checkDuration("lease", lease, LEAST_LEASE);
}

/** What is known of the claims to a task. */
export interface ClaimInfo {
  /** How often the task has been claimed. */
  readonly attempt: number;
  /** The token of the last claim. Tokens only grow. */
  readonly token: bigint;
  /** The owner of the current claim; undefined if the task is not claimed now. */
  readonly owner: string | undefined;
  /** When the current lease ends; undefined if the task is not claimed now. */
  readonly claimedUntil: Date | undefined;
  /** When the task may be tried again; undefined if it is not waiting for a retry. */
  readonly waitsUntil: Date | undefined;
  /** Until when `redeliver` does not hand the task over again; undefined if it was not handed over. */
  readonly redeliveredUntil: Date | undefined;
}

/** The information in a state, as of now. */
export function claimInfoOf(state: ClaimState): ClaimInfo {
  const { owner, token, attempt, until } = state;
  const now = Date.now();
  const lasts = until > now && !isOfWrongClock(state, { now, tolerance: 0 });
  const end = lasts ? new Date(Math.min(until, NEVER)) : undefined;
  const isMark = owner === REDELIVERY;
  const isClaim = end !== undefined && owner !== undefined && !isMark;
  return {
    attempt,
    token,
    owner: isClaim ? owner : undefined,
    claimedUntil: isClaim ? end : undefined,
    waitsUntil: owner === undefined ? end : undefined,
    redeliveredUntil: isMark ? end : undefined,
  };
}

/** Claims a version for an owner. Resolves to undefined if another has claimed it, or if it is not open any more. */
export async function claimVersion(
  store: ClaimStore,
  { taskList, id, savedAt }: TaskKey & { readonly savedAt: Version },
  options: ClaimOptions,
): Promise<Claim | undefined> {
  checkClaimOptions(options);
  const { owner = newOwner(), lease = DEFAULT_LEASE, signal } = options;
  const startedAt = performance.now();
  const state = await store.claim({ taskList, id, savedAt, owner, lease }, { signal });
  return state && new Claim(store, { taskList, id }, state, lease, startedAt);
}

export interface UnclaimedOptions {
  /** The owner whose own claims are ignored. */
  readonly owner?: string | undefined;
  readonly isContested?: (() => boolean) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Number of tasks whose claims are looked up at once; small, since others claim tasks meanwhile. */
const LOOKED_AT_ONCE = 16;

/**
 * The tasks of pages that nobody has claimed and that do not wait to be tried again, as far as the store knew just now.
 * While `isContested`, those of a page come in random order, so that concurrent workers do not all try the same task.
 */
export async function* withoutClaimed(
  store: ClaimStore,
  taskList: string,
  pages: AsyncIterable<readonly StoredTask[]>,
  { owner, isContested, signal }: UnclaimedOptions,
): AsyncGenerator<readonly StoredTask[], void, undefined> {
  for await (const page of pages) {
    const rest = [...page];
    while (rest.length > 0) {
      const some = isContested?.() ? takeRandom(rest, LOOKED_AT_ONCE) : rest.splice(0, LOOKED_AT_ONCE);
      const keys = some.map(({ id }) => ({ taskList, id }));
      const states = await store.states(keys, { signal });
      yield some.filter(({ savedAt }, i) => isFree(states[i], savedAt, owner));
    }
  }
}

/** Removes and returns up to `count` random elements. */
function takeRandom<T>(from: T[], count: number): T[] {
  return Array.from({ length: Math.min(count, from.length) }, () => {
    const at = Math.floor(Math.random() * from.length);
    const taken = from[at] as T;
    from[at] = from[from.length - 1] as T;
    from.pop();
    return taken;
  });
}

/** Without tolerance: the decision is made when the claim is requested. */
function isFree(state: ClaimState | undefined, savedAt: Version, owner: string | undefined): boolean {
  return state === undefined || !isClaimed(state, { savedAt, owner }, { now: Date.now(), tolerance: 0 });
}

function checkOwner(owner: unknown): void {
  const isName = typeof owner === "string" && owner.length >= 1 && owner.length <= 512 && owner.isWellFormed();
  if (isName && owner !== REDELIVERY) return;
  throw invalidArgument("owner", "a name of 1 to 512 characters", owner);
}
