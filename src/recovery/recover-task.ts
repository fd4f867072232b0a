import type { ClaimState } from "../claim-store.js";
import type { DataInterface } from "../data-interface.js";
import { isTaskError, TaskError } from "../errors.js";
import { OpaqueTask } from "../task/opaque-task.js";
import type { Task } from "../task/task.js";
import type { Claim } from "./claim.js";
import { claimsOf, DEFAULT_LEASE, newOwner } from "./claiming.js";
import { saveDeadLetter } from "./dead-letter.js";
import type { RecoverEvent, RecoverHandler, RecoverOptions, RecoverResult } from "./recover-options.js";
import { keepRenewing, runClaimed } from "./run-claimed.js";

type Result = RecoverResult<Task>;

/** What becomes of one stale task: it is claimed, done, and completed, or tried again later, or given up. */
export class TaskRecovery {
  readonly #tasks: DataInterface;
  readonly #handler: RecoverHandler<Task> | undefined;
  readonly #options: RecoverOptions<Task>;
  readonly #tell: (event: RecoverEvent<Task>) => Promise<void>;
  readonly #owner: string;
  readonly #lease: number;
  readonly #maxAttempts: number;
  #hasRivals = false;

  constructor(
    tasks: DataInterface,
    handler: RecoverHandler<Task> | undefined,
    options: RecoverOptions<Task>,
    tell: (event: RecoverEvent<Task>) => Promise<void>,
  ) {
    this.#tasks = tasks;
    this.#handler = handler;
    this.#options = options;
    this.#tell = tell;
    this.#owner = options.owner ?? newOwner();
    this.#lease = options.lease ?? DEFAULT_LEASE;
    this.#maxAttempts = options.maxAttempts ?? Number.POSITIVE_INFINITY;
  }

  /** Whether others have been met that recover the same list. */
  get hasRivals(): boolean {
    return this.#hasRivals;
  }

  /** Throws what the store throws where the task could not be claimed, or not be completed. */
  async recover(task: Task): Promise<Result> {
    if (!this.#handler && task instanceof OpaqueTask) return passedOver(task, task.reason.message);
    const before = await this.#claimsBefore(task);
    if (this.#wasLeftOpen(before)) return passedOver(task, `it was given up after ${before?.attempt} attempts`);
    const claim = await this.#claim(task);
    if (typeof claim === "string") return passedOver(task, claim);
    const stopRenewing = keepRenewing(claim, this.#lease);
    try {
      await this.#tell({ type: "claimed", task, attempt: claim.attempt });
      return await this.#underClaim(task, claim, before === undefined);
    } finally {
      stopRenewing();
    }
  }

  async #underClaim(task: Task, claim: Claim, isFirstOfVersion: boolean): Promise<Result> {
    const { attempt } = claim;
    if (attempt > this.#maxAttempts && !isFirstOfVersion) return this.#giveUp(task, claim, noEnd());
    try {
      await this.#do(task, claim);
    } catch (error) {
      return this.#failed(task, claim, error);
    }
    // Even if the claim has been lost by now, and whatever the caller's signal says: it is done.
    await this.#tasks.complete(task);
    return { type: "completed", task, attempt };
  }

  /** What is known of the claims to this very version, where that matters. */
  async #claimsBefore(task: Task): Promise<ClaimState | undefined> {
    if (this.#maxAttempts === Number.POSITIVE_INFINITY) return undefined;
    const [state] = await claimsOf(this.#tasks.adapter).states([task]);
    return state?.savedAt === task.envelope.savedAt ? state : undefined;
  }

  /** It was given up, and there was no list for it to go to; nor is there now. */
  #wasLeftOpen(before: ClaimState | undefined): boolean {
    const { deadLetterList } = this.#options;
    if (before === undefined || deadLetterList !== undefined) return false;
    return before.owner === undefined && before.attempt >= this.#maxAttempts;
  }

  /** Without the caller's signal: it is short, and a claim that was granted must be known, to be released. */
  async #claim(task: Task): Promise<Claim | string> {
    try {
      const claim = await this.#tasks.claim(task, { owner: this.#owner, lease: this.#lease });
      if (claim) return claim;
      this.#hasRivals = true;
      return "another has claimed it, or it is not open any more";
    } catch (error) {
      if (isTaskError(error) && error.outcome === "unknown")
        return `whether it is claimed now is unknown: ${error.message}`;
      throw error;
    }
  }

  async #do(task: Task, claim: Claim): Promise<void> {
    await this.#run(claim, (signal) => {
      const context = { signal, claim, attempt: claim.attempt };
      return this.#handler ? this.#handler(task, context) : task.execute(context);
    });
  }

  #run(claim: Claim, work: (signal: AbortSignal) => unknown): Promise<unknown> {
    const { timeout, signal } = this.#options;
    return runClaimed(claim, work, { lease: this.#lease, timeout, signal });
  }

  async #failed(task: Task, claim: Claim, error: unknown): Promise<Result> {
    const { attempt } = claim;
    if (claim.signal.aborted || this.#options.signal?.aborted) {
      await release(claim, 0);
      return { type: "interrupted", task, attempt, error };
    }
    return attempt >= this.#maxAttempts ? this.#giveUp(task, claim, error) : this.#retryLater(task, claim, error);
  }

  async #retryLater(task: Task, claim: Claim, error: unknown): Promise<Result> {
    const { attempt } = claim;
    const retryIn = Math.floor(Math.random() * this.#delayAfter(attempt));
    await release(claim, retryIn);
    return { type: "failed", task, attempt, error, retryIn };
  }

  async #giveUp(task: Task, claim: Claim, error: unknown): Promise<Result> {
    const { onExhausted } = this.#options;
    const { attempt } = claim;
    try {
      if (onExhausted) await this.#run(claim, () => onExhausted(task, { attempts: attempt, error }));
      return await this.#putAside(task, claim, error);
    } catch (cause) {
      return this.#retryLater(task, claim, cause);
    }
  }

  /** First the copy, then the original: at no time is the task in neither list. */
  async #putAside(task: Task, claim: Claim, error: unknown): Promise<Result> {
    const { deadLetterList } = this.#options;
    const { attempt } = claim;
    if (deadLetterList === undefined) {
      await claim.release();
      return { type: "exhausted", task, attempt, error };
    }
    // As it is in the store: the handler may have changed what it was given, or completed it.
    const open = await this.#tasks.find(task.taskList, task.id);
    if (open === undefined || open.envelope.savedAt !== task.envelope.savedAt) {
      await claim.release();
      return passedOver(task, "it is not open any more");
    }
    await saveDeadLetter(this.#tasks, open, deadLetterList, { attempts: attempt, error });
    await this.#tasks.complete(task);
    return { type: "dead-lettered", task, attempt, error };
  }

  /** The most that is waited after an attempt. */
  #delayAfter(attempt: number): number {
    const { initial = 1_000, max = 600_000 } = this.#options.backoff ?? {};
    return Math.min(max, initial * 2 ** Math.min(attempt - 1, 31));
  }
}

function passedOver(task: Task, reason: string): Result {
  return { type: "passed-over", task, reason };
}

function noEnd(): TaskError {
  return new TaskError("TIMEOUT", "its last attempt came to no end: the worker died, or was stopped");
}

/** A claim that can't be released expires. */
async function release(claim: Claim, retryIn: number): Promise<void> {
  await claim.release({ retryIn }).catch(() => undefined);
}
