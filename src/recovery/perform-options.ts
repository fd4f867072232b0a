import type { OperationOptions } from "../adapter/adapter.js";
import type { Claim } from "../claims/claim.js";
import { checkClaimOptions } from "../claims/claiming.js";
import { checkSignal } from "../core/abort.js";
import {
  checkBoolean,
  checkCount,
  checkDuration,
  checkFunction,
  type OptionNames,
  readOptions,
} from "../core/arguments.js";
import { checkTaskList } from "../core/keys.js";
import { isPlainObject } from "../core/values.js";
import type { Task } from "../task/task.js";
import type { ExecuteContext } from "../task/task-types.js";

/** The second argument of a handler. */
export type PerformContext = ExecuteContext & {
  /** The claim under which the task is done. Pass its `token` to the systems that the work writes to. */
  readonly claim: Claim;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
};

/** Does a task. When it resolves, the task is completed; when it rejects, the task is tried again later. */
export type TaskHandler<T> = (task: T, context: PerformContext) => unknown;

/** Exponential backoff with full jitter: a random delay below a bound that doubles with each attempt; in milliseconds. */
export interface Backoff {
  /** The bound after the first attempt. @defaultValue 1,000 */
  readonly initial?: number | undefined;
  /** The maximum of the bound. @defaultValue 600,000 */
  readonly max?: number | undefined;
}

/** Why a task is given up: the number of attempts, and the error of the last one. */
export interface Exhaustion {
  /** The number of attempts so far, from 1. */
  readonly attempts: number;
  /** The error of the last attempt. */
  readonly error: unknown;
}

/** Options of {@link perform}. */
export interface PerformOptions<T extends Task = Task> extends OperationOptions {
  /** Who claims: a name that nobody else uses at the same time. @defaultValue a new one for each call */
  readonly owner?: string | undefined;
  /** How long the claim lasts, in milliseconds; it is renewed after each third of this time. @defaultValue 60,000 */
  readonly lease?: number | undefined;
  /** Maximum duration of the handler, in milliseconds. @defaultValue no limit */
  readonly timeout?: number | undefined;
  /**
   * The number of attempts after which a task is given up. Every claim counts, however it ended, also those before the
   * task was saved again; but each version is tried at least once. @defaultValue never
   */
  readonly maxAttempts?: number | undefined;
  /** The delay before a failed task is tried again. */
  readonly backoff?: Backoff | undefined;
  /** The list for tasks that are given up. @defaultValue they stay open, and are skipped */
  readonly deadLetterList?: string | undefined;
  /** Called, and awaited, before a task is given up. If it throws or rejects, the task is tried again later. */
  readonly onExhausted?: ((task: T, reason: Exhaustion) => unknown) | undefined;
  /**
   * Also calls the handler for tasks whose data can't be read here, as an OpaqueTask. Otherwise they are skipped, so that a process
   * of an older version uses up no attempts of tasks of a newer one. @defaultValue false
   */
  readonly opaque?: boolean | undefined;
  /** If aborted, the handler's signal is aborted, too, and the claim is released. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Why a task was left to others: somebody has claimed it, it waits to be tried again, it is not open any more in this version,
 * its data can't be read here, it was given up before, or the outcome of its claim is unknown.
 */
export type PassedOver = "claimed" | "waiting" | "gone" | "opaque" | "given-up" | "unknown";

/** The result for a task. `attempt` is from 1; 0 on a store without claims. */
export type PerformResult<T extends Task = Task> =
  | {
      /** The handler resolved, and the task has been completed. */
      readonly type: "completed";
      /** The task. */
      readonly task: T;
      /** Which attempt this was. */
      readonly attempt: number;
      /** What the handler resolved to. */
      readonly result: unknown;
    }
  | {
      /** The handler rejected, or took too long. The task is open, and is tried again later. */
      readonly type: "failed";
      /** The task. */
      readonly task: T;
      /** Which attempt this was. */
      readonly attempt: number;
      /** What the handler rejected with. */
      readonly error: unknown;
      /** Minimum delay before the next attempt, in milliseconds. */
      readonly retryIn: number;
    }
  | {
      /** The task is given up: saved in the dead-letter list, or, without one, left open ("exhausted"). */
      readonly type: "dead-lettered" | "exhausted";
      /** The task. */
      readonly task: T;
      /** Which attempt this was. */
      readonly attempt: number;
      /** The error of the last attempt. */
      readonly error: unknown;
    }
  | {
      /** The task was not tried. */
      readonly type: "passed-over";
      /** The task. */
      readonly task: T;
      /** Why it was not tried. */
      readonly reason: PassedOver;
    }
  | {
      /** The claim was lost, or the signal aborted, while the handler worked. The task is open. */
      readonly type: "interrupted";
      /** The task. */
      readonly task: T;
      /** Which attempt this was. */
      readonly attempt: number;
      /** Why it was interrupted. */
      readonly error: unknown;
    };

export const performOptionNames: OptionNames<PerformOptions> = {
  ...{ owner: true, lease: true, timeout: true, maxAttempts: true, backoff: true },
  ...{ deadLetterList: true, onExhausted: true, opaque: true, signal: true },
};

/** Throws INVALID_ARGUMENT unless `handler` is a function or undefined. */
export function checkHandler(handler: unknown): void {
  checkFunction("handler", handler, isPlainObject(handler) ? "; the options come after the handler" : "");
}

/** Throws INVALID_ARGUMENT, INVALID_KEY. */
export function checkPerformOptions<T extends PerformOptions>(options: T): T {
  checkClaimOptions(options);
  checkSignal(options.signal);
  const { maxAttempts = 1, timeout = 1, deadLetterList } = options;
  if (maxAttempts !== Number.POSITIVE_INFINITY) checkCount("maxAttempts", maxAttempts);
  checkDuration("timeout", timeout);
  checkFunction("onExhausted", options.onExhausted);
  checkBoolean("opaque", options.opaque);
  if (deadLetterList !== undefined) checkTaskList(deadLetterList);
  return options.backoff === undefined ? options : { ...options, backoff: readBackoff(options.backoff) };
}

function readBackoff(given: Backoff): Backoff {
  const backoff = readOptions(given, { initial: true, max: true }, "backoff");
  checkDuration("backoff.initial", backoff.initial ?? 0);
  checkDuration("backoff.max", backoff.max ?? 0);
  return backoff;
}
