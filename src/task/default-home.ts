import { TaskError } from "../core/errors.js";
import { DEFAULT_MAX_TASK_BYTES } from "../envelope/envelope.js";
import type { TaskHome } from "./task-state.js";

let home: TaskHome | undefined;

/** The data interface of tasks that are not bound to one. Throws NOT_CONFIGURED if there is none. */
export function defaultHome(): TaskHome {
  if (home === undefined)
    throw new TaskError(
      "NOT_CONFIGURED",
      "no data interface is configured: call configure({ types, adapter }) first, or use a DataInterface of your own",
    );
  return home;
}

export function findDefaultHome(): TaskHome | undefined {
  return home;
}

/** Maximum size in bytes of the envelope of a task that is bound to `home`, or to none. */
export function maxTaskBytes(home: TaskHome | undefined): number {
  return (home ?? findDefaultHome())?.maxTaskBytes ?? DEFAULT_MAX_TASK_BYTES;
}

export function setDefaultHome(next: TaskHome | undefined): void {
  home = next;
}
