import { hostname } from "node:os";
import type { Adapter, OperationOptions } from "./adapter.js";
import { Claim } from "./claim.js";
import { type ClaimStore, isClaimed } from "./claim-store.js";
import { readStamp } from "./envelope.js";
import { describeValue, TaskError } from "./errors.js";
import type { Version } from "./version.js";

export interface ClaimOptions extends OperationOptions {
  /** Who claims: a name of 1 to 512 characters; by default the host, the process and a random part. */
  readonly owner?: string | undefined;
  /** How long the claim lasts, in milliseconds; 60,000 by default. */
  readonly lease?: number | undefined;
}

export const DEFAULT_LEASE = 60_000;

/** The owner of claims that are made without a name: this process. */
export const processOwner: string = `${hostname()}:${process.pid}:${Math.random().toString(36).slice(2, 8)}`;

/** Throws UNSUPPORTED where the adapter has no claims. */
export function claimsOf(adapter: Adapter): ClaimStore {
  if (adapter.claims) return adapter.claims;
  throw new TaskError("UNSUPPORTED", "this store has no claims");
}

/** Claims a version for an owner; undefined where another has it, or it is not open any more. */
export async function claimVersion(
  store: ClaimStore,
  { taskList, id, savedAt }: { taskList: string; id: string; savedAt: Version },
  { owner = processOwner, lease = DEFAULT_LEASE, signal }: ClaimOptions,
): Promise<Claim | undefined> {
  checkOwner(owner);
  checkDuration("lease", lease, 10);
  const startedAt = performance.now();
  const state = await store.claim({ taskList, id, savedAt, owner, lease }, { signal });
  return state && new Claim(store, { taskList, id }, state, lease, startedAt);
}

/** The envelopes of a page whose version nobody has claimed and which wait for no retry, as far as the store knew just now. */
export async function withoutClaimed(
  store: ClaimStore,
  page: readonly Uint8Array[],
  signal: AbortSignal | undefined,
): Promise<readonly Uint8Array[]> {
  const stamps = page.map(readStamp);
  const states = await store.states(stamps, { signal });
  // Whether a claim is granted is decided when it is asked for; so no tolerance here.
  const clock = { now: Date.now(), tolerance: 0 };
  return page.filter((_, i) => {
    const [stamp, state] = [stamps[i], states[i]];
    return state === undefined || stamp === undefined || !isClaimed(state, { savedAt: stamp.savedAt }, clock);
  });
}

function checkOwner(owner: unknown): void {
  if (typeof owner === "string" && owner.length >= 1 && owner.length <= 512 && owner.isWellFormed()) return;
  const message = `owner: expected a name of 1 to 512 characters, got ${describeValue(owner)}`;
  throw new TaskError("INVALID_ARGUMENT", message, { field: "owner" });
}

/** Throws INVALID_ARGUMENT unless it is a number of milliseconds from `least` on. */
export function checkDuration(field: string, value: unknown, least = 0): void {
  if (typeof value === "number" && Number.isFinite(value) && value >= least) return;
  const message = `${field}: expected a number of milliseconds from ${least}, got ${describeValue(value)}`;
  throw new TaskError("INVALID_ARGUMENT", message, { field });
}
