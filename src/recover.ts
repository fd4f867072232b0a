import { type Claim, endClaim } from "./claim.js";
import { checkDuration, DEFAULT_LEASE, processOwner } from "./claiming.js";
import { checkCount, mapConcurrently } from "./concurrency.js";
import type { DataInterface } from "./data-interface.js";
import { saveDeadLetter } from "./dead-letter.js";
import { TaskError } from "./errors.js";
import { checkTaskList } from "./keys.js";
import { OpaqueTask } from "./opaque-task.js";
import { runClaimed } from "./run-claimed.js";
import type { Task } from "./task.js";
import type { ExecuteContext, TaskClass, TaskOf } from "./task-types.js";

export interface RecoverContext extends ExecuteContext {
  /** The claim under which the task is done; its token is for what the work writes to. */
  readonly claim: Claim;
  /** Which attempt this is, from 1; the task's envelope has it, too. */
  readonly attempt: number;
}

/** Does a task again. It is completed when this resolves, and tried again later when it rejects. */
export type RecoverHandler<T> = (task: T, context: RecoverContext) => unknown;

/** A delay that doubles with each attempt, of which a random part is waited ("full jitter"); in milliseconds. */
export interface Backoff {
  /** After the first attempt; 1,000 by default. */
  readonly initial?: number | undefined;
  /** At most; 600,000 by default. */
  readonly max?: number | undefined;
}

export interface RecoverOptions<T extends Task> {
  /** Only tasks that were saved so many milliseconds ago or earlier; 60,000 by default. */
  readonly olderThan?: number | undefined;
  readonly owner?: string | undefined;
  /** How long a claim lasts unless it is renewed, in milliseconds; 60,000 by default. */
  readonly lease?: number | undefined;
  /** How many tasks are done at once; 1 by default. */
  readonly concurrency?: number | undefined;
  /** After so many attempts a task is given up; by default never. */
  readonly maxAttempts?: number | undefined;
  readonly backoff?: Backoff | undefined;
  /** How long a handler may take, in milliseconds; by default without end. */
  readonly timeout?: number | undefined;
  /** Where tasks go that are given up. Without it they stay open, and are passed over. */
  readonly deadLetterList?: string | undefined;
  /** Called before a task is given up; if it throws, the task is not. */
  readonly onExhausted?: ((task: T, reason: { attempts: number; error: unknown }) => unknown) | undefined;
  readonly onEvent?: ((event: RecoverEvent<T>) => void) | undefined;
  /** Begins again so many milliseconds after each pass, until the signal is aborted. */
  readonly every?: number | undefined;
  /** Starts no more; handlers that run are given it, and their claims are released. */
  readonly signal?: AbortSignal | undefined;
}

export type RecoverEvent<T extends Task> =
  | { readonly type: "claimed" | "completed"; readonly task: T; readonly attempt: number }
  /** It is tried again later, in so many milliseconds at the earliest. */
  | {
      readonly type: "failed";
      readonly task: T;
      readonly attempt: number;
      readonly error: unknown;
      readonly retryIn: number;
    }
  /** It is given up: saved in the dead-letter list, if there is one, else left open. */
  | {
      readonly type: "dead-lettered" | "exhausted";
      readonly task: T;
      readonly attempt: number;
      readonly error: unknown;
    }
  /** Another has it, or nobody here can do it. */
  | { readonly type: "passed-over"; readonly task: T; readonly reason: string }
  /** The claim, or the run, ended while the handler did its work. */
  | { readonly type: "interrupted"; readonly task: T; readonly attempt: number; readonly error: unknown }
  /** The store did not answer; with `every`, the next pass tries again. */
  | { readonly type: "store-failed"; readonly error: unknown };

/** How many tasks came to what, over all passes. */
export interface RecoverCounts {
  completed: number;
  failed: number;
  deadLettered: number;
  exhausted: number;
  passedOver: number;
  interrupted: number;
}

/**
 * Finishes what dead workers left in a list: claims tasks that have been open for a while, does them again, and
 * completes them. Without a handler, it calls `execute`.
 *
 *     await recover(tasks, "acme.com", undefined, { maxAttempts: 5, deadLetterList: "dead", every: 30_000, signal });
 *
 * Resolves after one pass, or, with `every`, when the signal is aborted. Throws what the store throws, without `every`.
 */
export async function recover<C extends TaskClass<Task>>(
  tasks: DataInterface<C>,
  taskList: string,
  handler?: RecoverHandler<TaskOf<C> | OpaqueTask> | undefined,
  options: RecoverOptions<TaskOf<C> | OpaqueTask> = {},
): Promise<RecoverCounts> {
  checkTaskList(taskList);
  const recovery = new Recovery(tasks as DataInterface, taskList, handler as never, options as RecoverOptions<Task>);
  return recovery.run();
}

class Recovery {
  readonly #tasks: DataInterface;
  readonly #taskList: string;
  readonly #handler: RecoverHandler<Task> | undefined;
  readonly #options: RecoverOptions<Task>;
  readonly #owner: string;
  readonly #lease: number;
  readonly #maxAttempts: number;
  readonly #counts: RecoverCounts = {
    completed: 0,
    failed: 0,
    deadLettered: 0,
    exhausted: 0,
    passedOver: 0,
    interrupted: 0,
  };

  constructor(
    tasks: DataInterface,
    taskList: string,
    handler: RecoverHandler<Task> | undefined,
    options: RecoverOptions<Task>,
  ) {
    checkRecoverOptions(options);
    this.#tasks = tasks;
    this.#taskList = taskList;
    this.#handler = handler;
    this.#options = options;
    this.#owner = options.owner ?? processOwner;
    this.#lease = options.lease ?? DEFAULT_LEASE;
    this.#maxAttempts = options.maxAttempts ?? Number.POSITIVE_INFINITY;
  }

  async run(): Promise<RecoverCounts> {
    const { every, signal } = this.#options;
    if (every === undefined) await this.#pass();
    while (every !== undefined && !signal?.aborted) {
      await this.#pass().catch((error: unknown) => this.#storeFailed(error));
      await pause(every, signal);
    }
    return this.#counts;
  }

  async #pass(): Promise<void> {
    const { olderThan = 60_000, concurrency = 1, signal } = this.#options;
    const stale = this.#tasks.stale(this.#taskList, { olderThan, unclaimed: true, signal });
    for await (const _ of mapConcurrently(stale, (task) => this.#recoverOne(task), concurrency)) {
      // Each has been counted.
    }
  }

  async #recoverOne(task: Task): Promise<void> {
    const { signal } = this.#options;
    if (!this.#handler && task instanceof OpaqueTask) return this.#passOver(task, task.reason.message);
    const claim = await this.#tasks.claim(task, { owner: this.#owner, lease: this.#lease, signal });
    if (claim === undefined) return this.#passOver(task, "another has claimed it, or it is not open any more");
    const { attempt } = claim;
    this.#tell({ type: "claimed", task, attempt });
    if (attempt > this.#maxAttempts)
      return this.#giveUp(task, claim, new TaskError("TIMEOUT", "its last attempt came to no end"));
    try {
      await this.#do(task, claim);
    } catch (error) {
      return this.#failed(task, claim, error);
    }
    await this.#finish(task, claim);
  }

  async #do(task: Task, claim: Claim): Promise<void> {
    const { timeout, signal } = this.#options;
    const work = (signal: AbortSignal) => {
      const context = { signal, claim, attempt: claim.attempt };
      return this.#handler ? this.#handler(task, context) : task.execute(context);
    };
    await runClaimed(claim, work, { lease: this.#lease, timeout, signal });
  }

  /** Done: the task is completed, even if the claim has been lost by now, and whatever the caller's signal says. */
  async #finish(task: Task, claim: Claim): Promise<void> {
    endClaim(claim);
    await this.#tasks.complete(task);
    this.#counts.completed++;
    this.#tell({ type: "completed", task, attempt: claim.attempt });
  }

  async #failed(task: Task, claim: Claim, error: unknown): Promise<void> {
    const { attempt } = claim;
    if (claim.signal.aborted || this.#options.signal?.aborted) {
      this.#counts.interrupted++;
      this.#tell({ type: "interrupted", task, attempt, error });
      return release(claim, 0);
    }
    if (attempt >= this.#maxAttempts) return this.#giveUp(task, claim, error);
    await this.#retryLater(task, claim, error);
  }

  async #retryLater(task: Task, claim: Claim, error: unknown): Promise<void> {
    const { attempt } = claim;
    const retryIn = Math.floor(Math.random() * this.#delayAfter(attempt));
    await release(claim, retryIn);
    this.#counts.failed++;
    this.#tell({ type: "failed", task, attempt, error, retryIn });
  }

  /** First the copy, then the original: at no time is the task in neither list. */
  async #giveUp(task: Task, claim: Claim, error: unknown): Promise<void> {
    const { deadLetterList, onExhausted } = this.#options;
    const { attempt } = claim;
    try {
      await onExhausted?.(task, { attempts: attempt, error });
      if (deadLetterList === undefined) {
        await release(claim, this.#delayAfter(attempt));
        this.#counts.exhausted++;
        return this.#tell({ type: "exhausted", task, attempt, error });
      }
      await saveDeadLetter(this.#tasks, task, deadLetterList, { attempts: attempt, error }, {});
      endClaim(claim);
      await this.#tasks.complete(task);
    } catch (cause) {
      return this.#retryLater(task, claim, cause);
    }
    this.#counts.deadLettered++;
    this.#tell({ type: "dead-lettered", task, attempt, error });
  }

  /** The most that is waited after an attempt. */
  #delayAfter(attempt: number): number {
    const { initial = 1_000, max = 600_000 } = this.#options.backoff ?? {};
    return Math.min(max, initial * 2 ** (attempt - 1));
  }

  #passOver(task: Task, reason: string): void {
    this.#counts.passedOver++;
    this.#tell({ type: "passed-over", task, reason });
  }

  #storeFailed(error: unknown): void {
    if (!this.#options.signal?.aborted) this.#tell({ type: "store-failed", error });
  }

  #tell(event: RecoverEvent<Task>): void {
    this.#options.onEvent?.(event);
  }
}

/** A claim that can't be released expires. */
async function release(claim: Claim, retryIn: number): Promise<void> {
  await claim.release({ retryIn }).catch(() => undefined);
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done, { once: true });
  });
}

function checkRecoverOptions(options: RecoverOptions<Task>): void {
  const { olderThan = 0, concurrency = 1, maxAttempts = 1, timeout = 1, every = 0, backoff = {} } = options;
  checkDuration("olderThan", olderThan);
  checkCount("concurrency", concurrency);
  if (maxAttempts !== Number.POSITIVE_INFINITY) checkCount("maxAttempts", maxAttempts);
  checkDuration("timeout", timeout);
  checkDuration("every", every);
  checkDuration("backoff.initial", backoff.initial ?? 0);
  checkDuration("backoff.max", backoff.max ?? 0);
  if (options.deadLetterList !== undefined) checkTaskList(options.deadLetterList);
}
