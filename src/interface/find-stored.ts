import type { OperationOptions } from "../core/abort.js";
import type { TaskKey } from "../core/keys.js";
import { callStoreForOne } from "../core/store-error.js";
import type { Task } from "../task/task.js";
import { readStoredTask } from "../task/task-reading.js";
import type { DataInterface } from "./data-interface.js";
import { registryOf } from "./interface-state.js";

/** Like `find`, for a task that was read already: a damaged one may have a list and an id that no task can be given. */
export async function findStored(
  tasks: DataInterface,
  { taskList, id }: TaskKey,
  options: OperationOptions = {},
): Promise<Task | undefined> {
  const stored = await callStoreForOne("not-applied", () => tasks.adapter.find([{ taskList, id }], options));
  return stored && readStoredTask(stored, taskList, tasks, registryOf(tasks));
}
