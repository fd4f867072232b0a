import { TaskError } from "../core/errors.js";
import { findDefaultHome, setDefaultHome } from "../task/default-home.js";
import type { Task } from "../task/task.js";
import type { TaskClass } from "../task/task-types.js";
import { DataInterface } from "./data-interface.js";
import type { DataInterfaceOptions } from "./interface-options.js";

/**
 * Creates the default data interface, which `task.save()`, `Task.find` and the like use. Nothing is opened before it is needed.
 * For applications; libraries should accept a DataInterface. Throws ALREADY_CONFIGURED until the former one is closed.
 *
 *     const tasks = configure({ types: [FetchFileTask], adapter: new SqliteAdapter({ path: "ledger.db" }) });
 */
export function configure<C extends TaskClass<Task>>(options: DataInterfaceOptions<C>): DataInterface<C> {
  if (findDefaultHome())
    throw new TaskError(
      "ALREADY_CONFIGURED",
      "configure was called before; use the data interface that it returned, or close() it first",
    );
  const tasks = new DataInterface<C>(options);
  setDefaultHome(tasks);
  return tasks;
}
