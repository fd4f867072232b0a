import type { OperationOptions } from "./adapter.js";
import { mapConcurrently } from "./concurrency.js";
import type { DataInterface } from "./data-interface.js";
import type { Task } from "./task.js";

export interface MoveOptions extends OperationOptions {
  /** How many tasks are moved at once; 16 by default. */
  readonly concurrency?: number | undefined;
}

/**
 * Moves the open tasks of a list to another store: to one of another kind, or to a Cassandra keyspace with another number
 * of shards. A task that is there already is not overwritten. Each is saved there before it is completed here, so that at
 * no time it is in neither, whatever fails; moving again goes on where it stopped. A worker that still has a task from
 * here completes nothing there: it is done once more.
 *
 * Let what saves tasks save them there before. An id that is saved there in the very moment in which it is moved may get
 * the older data.
 *
 * Resolves to the number of tasks that were moved. Throws what the stores throw.
 */
export async function moveTasks(
  from: DataInterface,
  to: DataInterface,
  taskList: string,
  { concurrency = 16, signal }: MoveOptions = {},
): Promise<number> {
  const move = (task: Task) => moveTask(from, to, task, signal);
  let count = 0;
  for await (const _ of mapConcurrently(from.all(taskList, { signal }), move, concurrency)) count++;
  return count;
}

async function moveTask(from: DataInterface, to: DataInterface, task: Task, signal?: AbortSignal): Promise<void> {
  const there = await to.find(task.taskList, task.id, { signal });
  if (there === undefined) await to.save(to.fromBinary(task.toBinary()), { signal });
  await from.complete(task, { signal });
}
