import { checkSignal } from "../abort.js";
import { invalidArgument, type TaskError } from "../errors.js";
import { checkTaskList } from "../keys.js";
import { checkCount, checkDuration, checkFunction, type OptionNames, readOptions } from "../options.js";
import type { Task } from "../task/task.js";
import type { ExecuteContext } from "../task/task-types.js";
import type { Claim } from "./claim.js";
import { checkClaimOptions } from "./claiming.js";

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

/** Why a task is given up: after how many attempts, and what the last one ended with. */
export interface Exhaustion {
  readonly attempts: number;
  readonly error: unknown;
}

export interface RecoverOptions<T extends Task> {
  /** Only tasks that were saved so many milliseconds ago or earlier; 60,000 by default. */
  readonly olderThan?: number | undefined;
  /** Whose the claims are: a name that no other run has at the same time, which is so by default. */
  readonly owner?: string | undefined;
  /** How long a claim lasts unless it is renewed, in milliseconds; 60,000 by default. */
  readonly lease?: number | undefined;
  /** How many tasks are done at once; 1 by default. */
  readonly concurrency?: number | undefined;
  /**
   * After so many attempts a task is given up; by default never. Every claim counts, whatever ended it, also those before
   * the task was saved again; but each version is tried once at least.
   */
  readonly maxAttempts?: number | undefined;
  readonly backoff?: Backoff | undefined;
  /** How long a handler may take, in milliseconds; by default without end. */
  readonly timeout?: number | undefined;
  /** Where tasks go that are given up. Without it they stay open, and are passed over. */
  readonly deadLetterList?: string | undefined;
  /** Called, and awaited, before a task is given up. If it throws or rejects, the task is tried again later. */
  readonly onExhausted?: ((task: T, reason: Exhaustion) => unknown) | undefined;
  /** Called for everything that happens, and awaited before the run goes on. If it throws or rejects, the run ends with that. */
  readonly onEvent?: ((event: RecoverEvent<T>) => unknown) | undefined;
  /** Begins again so many milliseconds after each pass, until the signal is aborted. */
  readonly every?: number | undefined;
  /** Starts no more; handlers that run are given it, and their claims are released. */
  readonly signal?: AbortSignal | undefined;
}

/** What came of a task. */
export type RecoverResult<T extends Task> =
  | { readonly type: "completed"; readonly task: T; readonly attempt: number }
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
  /** Another has it, nobody here can do it, or it was given up before. */
  | { readonly type: "passed-over"; readonly task: T; readonly reason: string }
  /** The claim, or the run, ended while the handler did its work. */
  | { readonly type: "interrupted"; readonly task: T; readonly attempt: number; readonly error: unknown };

export type RecoverEvent<T extends Task> =
  | { readonly type: "claimed"; readonly task: T; readonly attempt: number }
  | RecoverResult<T>
  /** The store did not answer; with `every`, the next pass tries again. */
  | { readonly type: "store-failed"; readonly error: TaskError };

/** How many tasks came to what, over all passes. */
export interface RecoverCounts {
  completed: number;
  failed: number;
  deadLettered: number;
  exhausted: number;
  passedOver: number;
  interrupted: number;
}

const recoverOptions: OptionNames<RecoverOptions<Task>> = {
  olderThan: true,
  owner: true,
  lease: true,
  concurrency: true,
  maxAttempts: true,
  backoff: true,
  timeout: true,
  deadLetterList: true,
  onExhausted: true,
  onEvent: true,
  every: true,
  signal: true,
};

/** The options of a run over a list. Throws INVALID_ARGUMENT, INVALID_KEY. */
export function readRecoverOptions(taskList: string, given: RecoverOptions<Task>): RecoverOptions<Task> {
  const options = readOptions(given, recoverOptions);
  checkClaimOptions(options);
  checkSignal(options.signal);
  const { olderThan = 0, concurrency = 1, maxAttempts = 1, timeout = 1, every = 0, deadLetterList } = options;
  checkDuration("olderThan", olderThan);
  checkCount("concurrency", concurrency);
  if (maxAttempts !== Number.POSITIVE_INFINITY) checkCount("maxAttempts", maxAttempts);
  checkDuration("timeout", timeout);
  checkDuration("every", every);
  checkFunction("onExhausted", options.onExhausted);
  checkFunction("onEvent", options.onEvent);
  if (deadLetterList !== undefined) checkTaskList(deadLetterList);
  if (deadLetterList === taskList) throw invalidArgument("deadLetterList", "another list", taskList);
  return { ...options, backoff: readBackoff(options.backoff) };
}

function readBackoff(given: Backoff | undefined): Backoff {
  const backoff = readOptions(given ?? {}, { initial: true, max: true }, "backoff");
  checkDuration("backoff.initial", backoff.initial ?? 0);
  checkDuration("backoff.max", backoff.max ?? 0);
  return backoff;
}
