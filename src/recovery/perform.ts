import { noOptions, readOptions } from "../core/arguments.js";
import type { DataInterface } from "../interface/data-interface.js";
import type { OpaqueTask } from "../task/opaque-task.js";
import type { Task } from "../task/task.js";
import type { TaskClass, TaskOf } from "../task/task-types.js";
import {
  checkHandler,
  checkPerformOptions,
  type PerformOptions,
  type PerformResult,
  performOptionNames,
  type TaskHandler,
} from "./perform-options.js";
import { Performer } from "./performer.js";

/**
 * Does one task under a claim, and completes it: a worker calls this for each task that it gets from its queue. No other worker
 * that claims tasks does it at the same time; a task that fails is tried again later, and given up after `maxAttempts`.
 * Without a handler, it calls `task.execute`.
 *
 *     const task = tasks.fromBinary(job.data);
 *     const done = await perform(tasks, task, (task, { signal }) => send(task, signal), { maxAttempts: 5, deadLetterList: "dead" });
 *     if (done.type === "failed") throw done.error; // or leave it to redeliver, or recover
 *
 * @throws INVALID_ARGUMENT, INVALID_KEY, NOT_SAVED, UNSUPPORTED if the store has no claims, and what the store throws.
 */
export async function perform<C extends TaskClass<Task>, T extends TaskOf<C> | OpaqueTask>(
  tasks: DataInterface<C>,
  task: T,
  handler?: TaskHandler<T> | undefined,
  options: PerformOptions<T> = noOptions,
): Promise<PerformResult<T>> {
  checkHandler(handler);
  const read = checkPerformOptions(readOptions(options as PerformOptions, performOptionNames));
  const performer = new Performer(tasks as DataInterface, handler as TaskHandler<Task> | undefined, read);
  return (await performer.perform(task)) as PerformResult<T>;
}
