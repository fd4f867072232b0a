import { checkCount, checkDuration, checkFunction, type OptionNames, readOptions } from "../core/arguments.js";
import { invalidArgument, type TaskError } from "../core/errors.js";
import type { Task } from "../task/task.js";
import { checkPerformOptions, type PerformOptions, type PerformResult, performOptionNames } from "./perform-options.js";

/** Options of `recover`. */
export interface RecoverOptions<T extends Task = Task> extends PerformOptions<T> {
  /** Minimum age of the tasks that are done, in milliseconds since they were saved. @defaultValue 60,000 */
  readonly olderThan?: number | undefined;
  /** Maximum number of tasks that are done at once. @defaultValue 1 */
  readonly concurrency?: number | undefined;
  /** Delay between passes, in milliseconds; passes repeat until the signal is aborted. @defaultValue one pass */
  readonly every?: number | undefined;
  /**
   * Called, and awaited, for each event; tasks that are passed over make none. If it throws or rejects, the run stops and
   * rejects with the same error.
   */
  readonly onEvent?: ((event: RecoverEvent<T>) => unknown) | undefined;
}

/** What happens during `recover`, for `onEvent`. */
export type RecoverEvent<T extends Task = Task> =
  | {
      /** A task has been claimed, and its handler is called next. */
      readonly type: "claimed";
      /** The task. */
      readonly task: T;
      /** Which attempt this is, from 1. */
      readonly attempt: number;
    }
  | Exclude<
      PerformResult<T>,
      {
        /** A task that was not tried makes no event. */
        readonly type: "passed-over";
      }
    >
  | {
      /** A pass over a list has ended. */
      readonly type: "pass";
      /** The list. */
      readonly taskList: string;
      /** How many of its tasks had each result. */
      readonly counts: RecoverCounts;
    }
  | {
      /** The store did not answer; with `every`, the next pass tries again. */
      readonly type: "store-failed";
      /** What the store threw. */
      readonly error: TaskError;
    };

/** How many tasks had each result; see {@link PerformResult}. */
export interface RecoverCounts {
  /** Done and completed. */
  completed: number;
  /** Failed, and to be tried again. */
  failed: number;
  /** Given up, and saved in the dead-letter list. */
  deadLettered: number;
  /** Given up, and left open. */
  exhausted: number;
  /** Not tried. */
  passedOver: number;
  /** Interrupted: the claim was lost, or the signal aborted. */
  interrupted: number;
}

const recoverOptions: OptionNames<RecoverOptions> = {
  ...performOptionNames,
  ...{ olderThan: true, concurrency: true, every: true, onEvent: true },
};

/** The options of a run over lists. Throws INVALID_ARGUMENT, INVALID_KEY. */
export function readRecoverOptions(taskLists: readonly string[], given: RecoverOptions): RecoverOptions {
  const options = checkPerformOptions(readOptions(given, recoverOptions));
  const { olderThan = 0, concurrency = 1, every = 0, deadLetterList } = options;
  checkDuration("olderThan", olderThan);
  checkCount("concurrency", concurrency);
  checkDuration("every", every);
  checkFunction("onEvent", options.onEvent);
  if (deadLetterList !== undefined && taskLists.includes(deadLetterList))
    throw invalidArgument("deadLetterList", "another list", deadLetterList);
  return options;
}
