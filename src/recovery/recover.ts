import { mapConcurrently } from "../core/concurrency.js";
import type { TaskError } from "../core/errors.js";
import { checkTaskLists } from "../core/keys.js";
import type { DataInterface } from "../interface/data-interface.js";
import { listStale } from "../interface/stale.js";
import type { OpaqueTask } from "../task/opaque-task.js";
import type { Task } from "../task/task.js";
import type { TaskClass, TaskOf } from "../task/task-types.js";
import { checkHandler, type PerformResult, type TaskHandler } from "./perform-options.js";
import { Performer } from "./performer.js";
import { type RecoverCounts, type RecoverEvent, type RecoverOptions, readRecoverOptions } from "./recover-options.js";
import { repeat } from "./repeat.js";

/**
 * Finishes tasks that dead workers left in one or more lists: claims tasks that have been open for a while, does them again,
 * and completes them, like `perform`. Without a handler, it calls `execute`. Any number of processes may run it.
 *
 *     await recover(tasks, "acme.com", undefined, { maxAttempts: 5, deadLetterList: "dead", every: 30_000, signal });
 *
 * @returns how many tasks had each result: after one pass, or, with `every`, when the signal is aborted, which is not an error.
 * @throws INVALID_ARGUMENT, INVALID_KEY, UNSUPPORTED if the store has no claims, and, without `every`, what the store throws.
 */
export async function recover<C extends TaskClass<Task>>(
  tasks: DataInterface<C>,
  taskLists: string | readonly string[],
  handler?: TaskHandler<TaskOf<C> | OpaqueTask> | undefined,
  options: RecoverOptions<TaskOf<C> | OpaqueTask> = {},
): Promise<RecoverCounts> {
  const lists = checkTaskLists(taskLists);
  checkHandler(handler);
  const read = readRecoverOptions(lists, options as RecoverOptions);
  return new Recovery(tasks as DataInterface, lists, handler as TaskHandler<Task> | undefined, read).run();
}

const countOf = {
  completed: "completed",
  failed: "failed",
  "dead-lettered": "deadLettered",
  exhausted: "exhausted",
  "passed-over": "passedOver",
  interrupted: "interrupted",
} as const satisfies Record<PerformResult["type"], keyof RecoverCounts>;

function noCounts(): RecoverCounts {
  return { completed: 0, failed: 0, deadLettered: 0, exhausted: 0, passedOver: 0, interrupted: 0 };
}

class Recovery {
  readonly #tasks: DataInterface;
  readonly #taskLists: readonly string[];
  readonly #options: RecoverOptions;
  readonly #performer: Performer;
  readonly #total = noCounts();
  /** What `onEvent` threw. */
  #thrown: { readonly cause: unknown } | undefined;

  constructor(
    tasks: DataInterface,
    taskLists: readonly string[],
    handler: TaskHandler<Task> | undefined,
    options: RecoverOptions,
  ) {
    this.#tasks = tasks;
    this.#taskLists = taskLists;
    this.#options = options;
    const onClaimed = (task: Task, attempt: number) => this.#tell({ type: "claimed", task, attempt });
    this.#performer = new Performer(tasks, handler, options, onClaimed);
  }

  async run(): Promise<RecoverCounts> {
    const { every, signal } = this.#options;
    const onFailed = (error: unknown) =>
      this.#tell({ type: "store-failed", error: error as TaskError }).then(() => !this.#thrown);
    const passes = this.#taskLists.map((taskList) => () => this.#pass(taskList));
    await repeat(passes, { every, signal, onFailed });
    if (this.#thrown) throw this.#thrown.cause;
    return this.#total;
  }

  /** Resolves to whether to continue. */
  async #pass(taskList: string): Promise<boolean> {
    const { olderThan = 60_000, concurrency, signal, owner } = this.#options;
    const counts = noCounts();
    const isContested = () => this.#performer.hasRivals;
    const stale = listStale(this.#tasks, taskList, { olderThan, unclaimed: true, signal }, { owner, isContested });
    const results = mapConcurrently(stale, (task) => this.#performer.perform(task), concurrency);
    for await (const result of results) {
      const name = countOf[result.type];
      counts[name]++;
      this.#total[name]++;
      if (result.type !== "passed-over") await this.#tell(result);
      if (this.#thrown) return false;
    }
    await this.#tell({ type: "pass", taskList, counts });
    return !this.#thrown;
  }

  async #tell(event: RecoverEvent): Promise<void> {
    try {
      await this.#options.onEvent?.(event);
    } catch (cause) {
      this.#thrown ??= { cause };
    }
  }
}
