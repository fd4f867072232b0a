import { type ClaimState, isClaimed, LEAST_WAIT, NEVER, REDELIVERY } from "../adapter/claim-store.js";
import { claimsOf } from "../claims/checked-claims.js";
import { type Claim, claimedVersion, endCompleted, keepRenewing, stopRenewing } from "../claims/claim.js";
import { DEFAULT_LEASE, newOwner } from "../claims/claiming.js";
import { isTaskError, TaskError } from "../core/errors.js";
import type { TaskKey } from "../core/keys.js";
import type { Version } from "../core/version.js";
import type { DataInterface } from "../interface/data-interface.js";
import { findStored } from "../interface/find-stored.js";
import { checkDataInterface, servicesOf } from "../interface/interface-state.js";
import { OpaqueTask } from "../task/opaque-task.js";
import type { Task } from "../task/task.js";
import { stateOf, versionIn } from "../task/task-state.js";
import { saveDeadLetter } from "./dead-letter.js";
import type { PassedOver, PerformContext, PerformOptions, PerformResult, TaskHandler } from "./perform-options.js";
import { waitAfter } from "./retry-time.js";
import { reasonOf, runClaimed } from "./run-claimed.js";

/** Does tasks, each under a claim, and then completes them, lets them be tried again later, or gives them up. */
export class Performer {
  readonly #tasks: DataInterface;
  readonly #handler: TaskHandler<Task> | undefined;
  readonly #options: PerformOptions;
  readonly #owner: string;
  readonly #lease: number;
  readonly #maxAttempts: number;
  readonly #onClaimed: ((task: Task, attempt: number) => unknown) | undefined;
  #hasRivals = false;

  /** Without a handler, tasks are executed. `onClaimed` is called, and awaited, before the work begins. */
  constructor(
    tasks: DataInterface,
    handler: TaskHandler<Task> | undefined,
    options: PerformOptions,
    onClaimed?: (task: Task, attempt: number) => unknown,
  ) {
    checkDataInterface("tasks", tasks);
    this.#tasks = tasks;
    this.#handler = handler;
    this.#options = options;
    this.#onClaimed = onClaimed;
    this.#owner = options.owner ?? newOwner();
    this.#lease = options.lease ?? DEFAULT_LEASE;
    this.#maxAttempts = options.maxAttempts ?? Number.POSITIVE_INFINITY;
  }

  /** Whether another worker had claimed one of the tasks. */
  get hasRivals(): boolean {
    return this.#hasRivals;
  }

  /** Throws TYPE_MISMATCH, NOT_SAVED, and what the store throws if the task could not be claimed, or not be completed. */
  async perform(task: Task): Promise<PerformResult> {
    const { attempt } = stateOf(task).envelope;
    const { signal } = this.#options;
    if (signal?.aborted) return { type: "interrupted", task, attempt, error: reasonOf(signal) };
    const cannotDo = task instanceof OpaqueTask && !(this.#options.opaque && this.#handler);
    if (cannotDo) return passedOver(task, "opaque");
    const before = this.#maxAttempts < Number.POSITIVE_INFINITY ? await this.#claimsBefore(task) : undefined;
    if (this.#wasLeftOpen(task, before)) return passedOver(task, "given-up");
    // Without the caller's signal: it is short, and a granted claim must be known, so that it can be released.
    const claim = await this.#tasks.claim(task, { owner: this.#owner, lease: this.#lease }).catch(unknownOutcome);
    if (claim === undefined || claim === "unknown") return passedOver(task, claim ?? (await this.#whyNot(task)));
    keepRenewing(claim);
    try {
      // What is not there is not awaited, here and above: each wait costs more than it seems.
      if (this.#onClaimed) await this.#onClaimed(task, claim.attempt);
      return await this.#underClaim(task, claim, before === undefined);
    } finally {
      stopRenewing(claim);
    }
  }

  async #underClaim(task: Task, claim: Claim, isFirstOfVersion: boolean): Promise<PerformResult> {
    const { attempt } = claim;
    if (attempt > this.#maxAttempts && !isFirstOfVersion) return this.#giveUp(task, claim, noEnd());
    let result: unknown;
    try {
      result = await this.#do(task, claim);
    } catch (error) {
      return this.#failed(task, claim, error);
    }
    // Even if the claim has been lost by now, or the caller's signal aborted: the work is done.
    await this.#complete(task, claim);
    return { type: "completed", task, attempt, result };
  }

  async #complete(task: Task, claim: Claim): Promise<void> {
    if (this.#versionOf(task) !== undefined) return this.#tasks.complete(task);
    const open = await findStored(this.#tasks, task);
    if (open && this.#versionOf(open) === claimedVersion(claim)) await this.#tasks.complete(open);
    await endCompleted(claim);
  }

  /** The version in this store, or that a save of unknown outcome may have made; undefined once it is saved to another. */
  #versionOf(task: Task): Version | undefined {
    return versionIn(this.#tasks, stateOf(task));
  }

  /** The state of the claims to this version. */
  async #claimsBefore(task: Task): Promise<ClaimState | undefined> {
    const [state] = await claimsOf(this.#tasks.adapter).states([task]);
    return state?.savedAt === task.envelope.savedAt ? state : undefined;
  }

  /** Whether it was given up without a dead-letter list; and there is none now, either. */
  #wasLeftOpen(task: Task, before: ClaimState | undefined): boolean {
    if (before === undefined || this.#deadLetterListOf(task) !== undefined) return false;
    const { owner, attempt, until } = before;
    // A mark hides whether the last attempt failed or its worker died, which must still be reported.
    if (owner === REDELIVERY) return attempt > this.#maxAttempts;
    return owner === undefined && attempt >= this.#maxAttempts && until === 0;
  }

  async #whyNot(task: Task): Promise<PassedOver> {
    this.#hasRivals = true;
    const [state] = await claimsOf(this.#tasks.adapter).states([task]);
    const { savedAt = 0n } = task.envelope;
    const isOfVersion = state?.savedAt === savedAt;
    if (isOfVersion && state.until === NEVER) return "gone";
    // What prevented the claim may have ended by now, or by this host's clock: the task is open all the same.
    const isHeld = isOfVersion && isClaimed(state, { savedAt }, { now: Date.now(), tolerance: 0 });
    if (!isHeld && !(await this.#isOpen(task))) return "gone";
    return isOfVersion && state.owner === undefined ? "waiting" : "claimed";
  }

  async #isOpen(task: Task): Promise<boolean> {
    const open = await findStored(this.#tasks, task);
    return open?.envelope.savedAt === task.envelope.savedAt;
  }

  #do(task: Task, claim: Claim): Promise<unknown> {
    return this.#run(claim, (signal) => {
      const { attempt } = claim;
      const context = { signal, claim, attempt, services: servicesOf(this.#tasks) } as PerformContext;
      return this.#handler ? this.#handler(task, context) : task.execute(context);
    });
  }

  #run(claim: Claim, work: (signal: AbortSignal) => unknown): Promise<unknown> {
    const { timeout, signal } = this.#options;
    return runClaimed(claim, work, { lease: this.#lease, timeout, signal });
  }

  async #failed(task: Task, claim: Claim, error: unknown): Promise<PerformResult> {
    const { attempt } = claim;
    if (claim.signal.aborted || this.#options.signal?.aborted) {
      await this.#letGo(claim, 0);
      return { type: "interrupted", task, attempt, error };
    }
    return attempt >= this.#maxAttempts ? this.#giveUp(task, claim, error) : this.#retryLater(task, claim, error);
  }

  async #retryLater(task: Task, claim: Claim, error: unknown): Promise<PerformResult> {
    const { attempt } = claim;
    const retryIn = Math.floor(waitAfter(error) + Math.random() * this.#delayAfter(attempt));
    await this.#letGo(claim, retryIn);
    return { type: "failed", task, attempt, error, retryIn };
  }

  async #giveUp(task: Task, claim: Claim, error: unknown): Promise<PerformResult> {
    const { onExhausted } = this.#options;
    const { attempt } = claim;
    try {
      if (onExhausted) await this.#run(claim, () => onExhausted(task, { attempts: attempt, error }));
      return await this.#putAside(task, claim, error);
    } catch (cause) {
      return this.#retryLater(task, claim, cause);
    }
  }

  /** First the copy, then the original: the task is always in at least one list. */
  async #putAside(task: Task, claim: Claim, error: unknown): Promise<PerformResult> {
    const deadLetterList = this.#deadLetterListOf(task);
    const { attempt } = claim;
    if (deadLetterList === undefined) {
      await claim.release();
      return { type: "exhausted", task, attempt, error };
    }
    // As it is in the store: the handler may have changed what it was given, or completed it.
    const open = await findStored(this.#tasks, task);
    const own = this.#versionOf(task) ?? claimedVersion(claim);
    if (open === undefined || (this.#versionOf(open) ?? 0n) > own) {
      await claim.release();
      return passedOver(task, "gone");
    }
    await saveDeadLetter(this.#tasks, open, deadLetterList, { attempts: attempt, error });
    // Not the handler's task, which it may have saved again by now if it was abandoned.
    await this.#tasks.complete(open);
    await endCompleted(claim);
    return { type: "dead-lettered", task, attempt, error };
  }

  /** The list for the task if it is given up; a dead letter stays in its list. */
  #deadLetterListOf({ taskList }: TaskKey): string | undefined {
    const { deadLetterList } = this.#options;
    return deadLetterList === taskList ? undefined : deadLetterList;
  }

  /**
   * Ends an attempt after which the task is tried again. A wait, however short, tells it from one that was given up and left
   * open. A claim that can't be released expires.
   */
  async #letGo(claim: Claim, retryIn: number): Promise<void> {
    const isLast = claim.attempt >= this.#maxAttempts && this.#deadLetterListOf(claim) === undefined;
    const least = isLast ? LEAST_WAIT : 0;
    await claim.release({ retryIn: Math.max(retryIn, least) }).catch(() => undefined);
  }

  /** Maximum delay after an attempt, in milliseconds. */
  #delayAfter(attempt: number): number {
    const { initial = 1_000, max = 600_000 } = this.#options.backoff ?? {};
    return Math.min(max, initial * 2 ** Math.min(attempt - 1, 31));
  }
}

function passedOver(task: Task, reason: PassedOver): PerformResult {
  return { type: "passed-over", task, reason };
}

function unknownOutcome(error: unknown): "unknown" {
  if (isTaskError(error) && error.outcome === "unknown") return "unknown";
  throw error;
}

function noEnd(): TaskError {
  return new TaskError("TIMEOUT", "its last attempt did not end: the worker died, or was stopped");
}
