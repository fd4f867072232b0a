import type { Adapter } from "../adapter/adapter.js";
import type { OperationOptions } from "../core/abort.js";
import type { TaskKey } from "../core/keys.js";
import { callStoreForOne } from "../core/store-error.js";
import type { Task } from "../task/task.js";
import { readStoredTask } from "../task/task-reading.js";
import type { TaskHome } from "../task/task-state.js";
import { registryOf } from "./interface-state.js";

/** `find`, which checks its key before: a damaged task that was read already may have one that no task can be given. */
export async function findStored(
  home: TaskHome & { readonly adapter: Adapter },
  { taskList, id }: TaskKey,
  options: OperationOptions = {},
): Promise<Task | undefined> {
  const stored = await callStoreForOne("not-applied", () => home.adapter.find([{ taskList, id }], options));
  return stored && readStoredTask(stored, taskList, home, registryOf(home));
}
