/// <reference lib="esnext.disposable" preserve="true"/>
import type { OperationOptions } from "../adapter/adapter.js";
import type { ClaimState, ClaimStore } from "../adapter/claim-store.js";
import { checkSignal } from "../core/abort.js";
import { checkDuration, operationOptions, readOptions } from "../core/arguments.js";
import { TaskError } from "../core/errors.js";
import type { TaskKey } from "../core/keys.js";
import type { Version } from "../core/version.js";

/** The last fraction of a lease, in which its holder already treats the claim as lost. */
const GUARD = 0.1;

/** Number of renewals per lease. */
const RENEWALS = 3;

/** Options of `Claim.release`. */
export interface ReleaseOptions extends OperationOptions {
  /** Delay in milliseconds before the task may be claimed again. @defaultValue 0 */
  readonly retryIn?: number | undefined;
}

/**
 * A worker's right to a task for a limited time. While it lasts, no other owner is granted one. A worker may be suspended,
 * and resume after its lease has ended: pass `token`, which grows with every claim to the task, to the system that you
 * write to, and let it refuse smaller tokens (fencing).
 *
 *     await using claim = await tasks.claim(task, { lease: 30_000 });
 *     if (claim) await task.execute({ signal: claim.signal }).then(() => task.complete());
 */
export class Claim implements AsyncDisposable {
  /** The list of the claimed task. */
  readonly taskList: string;
  /** The id of the claimed task. */
  readonly id: string;
  /** The name under which the task was claimed. */
  readonly owner: string;
  /** Which attempt at the task this is, from 1. */
  readonly attempt: number;
  /** Grows with every claim to the task, by any owner. */
  readonly token: bigint;
  /** Aborted a little before the lease ends, and when the claim turns out to be lost. */
  readonly signal: AbortSignal;
  /** When the lease ends, by this host's clock. */
  get expiresAt(): Date {
    return new Date(internalsOf(this).until);
  }

  /** `startedAt` is the time on the monotonic clock before the claim was requested. */
  constructor(store: ClaimStore, { taskList, id }: TaskKey, state: ClaimState, lease: number, startedAt: number) {
    const abort = new AbortController();
    this.taskList = taskList;
    this.id = id;
    this.owner = state.owner as string;
    this.attempt = state.attempt;
    this.token = state.token;
    this.signal = abort.signal;
    internals.set(this, new Internals(store, abort, lease, state));
    extend(this, startedAt);
  }

  /**
   * Extends the lease by its full length from now. Throws CLAIM_LOST if the claim has been released, the task completed or
   * claimed by another, or `signal` aborted; and what the store throws: the lease then ends when it would have ended.
   */
  async renew(options: OperationOptions = {}): Promise<void> {
    const operation = readOptions(options, operationOptions);
    checkSignal(operation.signal);
    const own = internalsOf(this);
    const startedAt = performance.now();
    const isOver = () => own.hasEnded || this.signal.aborted;
    const until = isOver() ? undefined : await own.store.renew(this, own.lease, operation);
    if (isOver()) throw lost(this, own.hasEnded ? "it has been released" : "its lease was about to end");
    if (until === undefined) {
      const error = lost(this, "another has the task, or it has been completed");
      lose(own, error);
      throw error;
    }
    own.until = until;
    extend(this, startedAt);
  }

  /** Ends the claim. Completing the task does this, too. Throws what the store throws; the lease then expires. */
  async release(options: ReleaseOptions = {}): Promise<void> {
    const { retryIn = 0, ...operation } = readOptions(options, { ...operationOptions, retryIn: true });
    checkDuration("retryIn", retryIn);
    checkSignal(operation.signal);
    const own = internalsOf(this);
    if (own.hasEnded) return;
    end(own);
    await own.store.release(this, retryIn, operation);
  }

  /** Releases the claim, unless it has already ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch(() => undefined);
  }
}

class Internals {
  readonly store: ClaimStore;
  readonly abort: AbortController;
  readonly lease: number;
  /** The version that was claimed. */
  readonly version: Version;
  until: number;
  /** When the claim counts as lost, on the monotonic clock. */
  end = 0;
  timer: NodeJS.Timeout | undefined = undefined;
  hasEnded = false;
  isRenewing = false;
  onLost: (() => void) | undefined = undefined;

  constructor(store: ClaimStore, abort: AbortController, lease: number, { savedAt, until }: ClaimState) {
    this.store = store;
    this.abort = abort;
    this.lease = lease;
    this.version = savedAt;
    this.until = until;
  }
}

/** Beside the objects, since a `#private` member would make the classes of two installed copies unrelated types. */
const internals = new WeakMap<Claim, Internals>();

function internalsOf(claim: Claim): Internals {
  return internals.get(claim) as Internals;
}

export function claimedVersion(claim: Claim): Version {
  return internalsOf(claim).version;
}

function end(own: Internals): void {
  own.hasEnded = true;
  clearTimeout(own.timer);
}

/** Ends the claim of a completed task. If the store can't be told, nothing is lost: the claim expires. */
export async function endCompleted(claim: Claim): Promise<void> {
  const own = internalsOf(claim);
  if (own.hasEnded) return;
  end(own);
  await own.store.forget?.(claim, { signal: AbortSignal.timeout(Math.ceil(own.lease)) }).catch(() => undefined);
}

/** From now on, the claim is renewed after each third of its lease, until it is lost or ends. */
export function keepRenewing(claim: Claim): void {
  internalsOf(claim).isRenewing = true;
}

export function stopRenewing(claim: Claim): void {
  internalsOf(claim).isRenewing = false;
}

/** Calls back if the claim is lost, and no longer what was to be called before. A listener of its signal would cost more. */
export function whenLost(claim: Claim, callback: (() => void) | undefined): void {
  internalsOf(claim).onLost = callback;
}

/** Counts the lease from before it was requested, on the monotonic clock. */
function extend(claim: Claim, startedAt: number): void {
  const own = internalsOf(claim);
  own.end = startedAt + own.lease * (1 - GUARD);
  // A slow renewal does not put off the next one.
  if (own.timer === undefined || own.end - performance.now() < 1) watch(claim, own);
}

/** One timer for the renewals and the end: timers cost most of what a claim costs here. */
function watch(claim: Claim, own: Internals): void {
  clearTimeout(own.timer);
  const left = own.end - performance.now();
  // Synchronously: in a later turn of the event loop, work could begin without a lease.
  if (left < 1) lose(own, lost(claim, "its lease is about to end"));
  else own.timer = setTimeout(watchOn, Math.min(left, intervalOf(own)), claim, own).unref();
}

function watchOn(claim: Claim, own: Internals): void {
  watch(claim, own);
  if (!own.isRenewing || claim.signal.aborted) return;
  // Errors are ignored: the next renewal may succeed, and otherwise the lease ends.
  claim.renew({ signal: AbortSignal.timeout(intervalOf(own)) }).catch(() => undefined);
}

/** The time between renewals, in milliseconds. */
function intervalOf({ lease }: Internals): number {
  return Math.ceil(lease / RENEWALS);
}

function lose({ abort, onLost }: Internals, error: TaskError): void {
  abort.abort(error);
  onLost?.();
}

function lost({ taskList, id, owner }: Claim, reason: string): TaskError {
  return new TaskError("CLAIM_LOST", `the claim of ${owner} to the task is lost: ${reason}`, { taskList, id });
}
