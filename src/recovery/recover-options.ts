import { checkCount, checkDuration, checkFunction, type OptionNames, readOptions } from "../core/arguments.js";
import { invalidArgument, type TaskError } from "../core/errors.js";
import type { Task } from "../task/task.js";
import { checkPerformOptions, type PerformOptions, type PerformResult, performOptionNames } from "./perform-options.js";

export interface RecoverOptions<T extends Task = Task> extends PerformOptions<T> {
  /** Only tasks that were saved at least so many milliseconds ago. @defaultValue 60,000 */
  readonly olderThan?: number | undefined;
  /** How many tasks are done at once. @defaultValue 1 */
  readonly concurrency?: number | undefined;
  /** Begins again so many milliseconds after each pass, until the signal is aborted. @defaultValue one pass */
  readonly every?: number | undefined;
  /**
   * Called for everything that happens but what is passed over, and awaited before the run goes on. If it throws or rejects,
   * the run ends with that.
   */
  readonly onEvent?: ((event: RecoverEvent<T>) => unknown) | undefined;
}

export type RecoverEvent<T extends Task = Task> =
  | { readonly type: "claimed"; readonly task: T; readonly attempt: number }
  | Exclude<PerformResult<T>, { readonly type: "passed-over" }>
  /** A pass over a list has ended; so many of its tasks came to what. */
  | { readonly type: "pass"; readonly taskList: string; readonly counts: RecoverCounts }
  /** The store did not answer; with `every`, the next pass tries again. */
  | { readonly type: "store-failed"; readonly error: TaskError };

/** How many tasks came to what. */
export interface RecoverCounts {
  completed: number;
  failed: number;
  deadLettered: number;
  exhausted: number;
  passedOver: number;
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
