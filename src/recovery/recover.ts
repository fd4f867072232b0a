import { onAbort } from "../abort.js";
import { mapConcurrently } from "../concurrency.js";
import { checkDataInterface, type DataInterface, listStale } from "../data-interface.js";
import { isTaskError, type TaskErrorCode } from "../errors.js";
import { checkTaskList } from "../keys.js";
import { checkFunction } from "../options.js";
import type { OpaqueTask } from "../task/opaque-task.js";
import type { Task } from "../task/task.js";
import type { TaskClass, TaskOf } from "../task/task-types.js";
import {
  type RecoverCounts,
  type RecoverEvent,
  type RecoverHandler,
  type RecoverOptions,
  type RecoverResult,
  readRecoverOptions,
} from "./recover-options.js";
import { TaskRecovery } from "./recover-task.js";

/**
 * Finishes what dead workers left in a list: claims tasks that have been open for a while, does them again, and
 * completes them. Without a handler, it calls `execute`.
 *
 *     await recover(tasks, "acme.com", undefined, { maxAttempts: 5, deadLetterList: "dead", every: 30_000, signal });
 *
 * Resolves after one pass, or, with `every`, when the signal is aborted; an abort is no error. Throws INVALID_ARGUMENT,
 * INVALID_KEY, UNSUPPORTED where the store has no claims, and, without `every`, what the store throws.
 */
export async function recover<C extends TaskClass<Task>>(
  tasks: DataInterface<C>,
  taskList: string,
  handler?: RecoverHandler<TaskOf<C> | OpaqueTask> | undefined,
  options: RecoverOptions<TaskOf<C> | OpaqueTask> = {},
): Promise<RecoverCounts> {
  checkDataInterface("tasks", tasks);
  checkTaskList(taskList);
  checkFunction("handler", handler);
  const read = readRecoverOptions(taskList, options as RecoverOptions<Task>);
  return new Recovery(tasks as DataInterface, taskList, handler as never, read).run();
}

/** What may pass by itself; after it, the next pass tries again. */
const passing: readonly TaskErrorCode[] = ["UNAVAILABLE", "TIMEOUT", "OVERLOADED", "CLOCK_SKEW"];

const countOf = {
  completed: "completed",
  failed: "failed",
  "dead-lettered": "deadLettered",
  exhausted: "exhausted",
  "passed-over": "passedOver",
  interrupted: "interrupted",
} as const satisfies Record<RecoverResult<Task>["type"], keyof RecoverCounts>;

class Recovery {
  readonly #tasks: DataInterface;
  readonly #taskList: string;
  readonly #options: RecoverOptions<Task>;
  readonly #one: TaskRecovery;
  readonly #counts: RecoverCounts = {
    completed: 0,
    failed: 0,
    deadLettered: 0,
    exhausted: 0,
    passedOver: 0,
    interrupted: 0,
  };
  /** By the listener of the events. */
  #thrown: { readonly cause: unknown } | undefined;

  constructor(
    tasks: DataInterface,
    taskList: string,
    handler: RecoverHandler<Task> | undefined,
    options: RecoverOptions<Task>,
  ) {
    this.#tasks = tasks;
    this.#taskList = taskList;
    this.#options = options;
    this.#one = new TaskRecovery(tasks, handler, options, (event) => this.#tell(event));
  }

  async run(): Promise<RecoverCounts> {
    const { every, signal } = this.#options;
    while (!signal?.aborted) {
      await this.#pass().catch((error: unknown) => this.#failed(error));
      if (this.#thrown) throw this.#thrown.cause;
      if (every === undefined) break;
      await pause(every, signal);
    }
    return this.#counts;
  }

  async #pass(): Promise<void> {
    const { olderThan = 60_000, concurrency, signal } = this.#options;
    const options = { olderThan, unclaimed: true, signal };
    const stale = listStale(this.#tasks, this.#taskList, options, () => this.#one.hasRivals);
    const results = mapConcurrently(stale, (task) => this.#one.recover(task), concurrency);
    for await (const result of results) {
      this.#counts[countOf[result.type]]++;
      await this.#tell(result);
      if (this.#thrown) return;
    }
  }

  /** An abort ends the run; what may pass waits for the next pass; all else is thrown. */
  async #failed(error: unknown): Promise<void> {
    const { every, signal } = this.#options;
    if (signal?.aborted && isTaskError(error, "ABORTED")) return;
    if (every === undefined || !isTaskError(error) || !passing.includes(error.code)) throw error;
    await this.#tell({ type: "store-failed", error });
  }

  async #tell(event: RecoverEvent<Task>): Promise<void> {
    try {
      await this.#options.onEvent?.(event);
    } catch (cause) {
      this.#thrown ??= { cause };
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      release?.();
      resolve();
    }, milliseconds);
    const release =
      signal &&
      onAbort(signal, () => {
        clearTimeout(timer);
        resolve();
      });
  });
}
