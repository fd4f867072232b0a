import type { OperationOptions } from "../adapter/adapter.js";
import { readOperation } from "../core/arguments.js";
import { mapConcurrently } from "../core/concurrency.js";
import { TaskError } from "../core/errors.js";
import { processClock, type Version } from "../core/version.js";
import type { Task } from "../task/task.js";
import { currentEnvelope } from "../task/task-envelope.js";
import type { DataInterface } from "./data-interface.js";
import { findStored } from "./find-stored.js";
import { checkDataInterface } from "./interface-state.js";
import { saveCopy } from "./save-copy.js";

export interface MoveOptions extends OperationOptions {
  /** Maximum number of tasks that are moved at once. @defaultValue 16 */
  readonly concurrency?: number | undefined;
}

/**
 * Moves the open tasks of a list to another store: to one of another kind, or to a Cassandra keyspace with another number
 * of shards. A task that exists there in a later version is not overwritten. Each is saved there before it is
 * completed here, so that it is always in one of them, whatever fails; calling it again continues where it stopped. A
 * worker that still has a task from here completes nothing there, and the task is done once more. Data is moved unchanged, valid
 * or not, also of unknown types.
 *
 * First make everything that saves tasks save them there. If an id is saved there while it is moved, it may get the older
 * data.
 *
 * Resolves to the number of tasks that were moved. Throws INVALID_ARGUMENT if both are the same store, and what the
 * stores throw.
 */
export async function moveTasks(
  from: DataInterface,
  to: DataInterface,
  taskList: string,
  options: MoveOptions = {},
): Promise<number> {
  const { concurrency = 16, signal } = readOperation(options, { concurrency: true, signal: true });
  for (const [field, value] of Object.entries({ from, to })) checkDataInterface(field, value);
  if (from === to || from.adapter === to.adapter) throw sameStore();
  const move = (task: Task) => moveTask(from, to, task, signal);
  let count = 0;
  for await (const _ of mapConcurrently(from.all(taskList, { signal }), move, concurrency)) count++;
  return count;
}

async function moveTask(from: DataInterface, to: DataInterface, task: Task, signal?: AbortSignal): Promise<void> {
  const here = task.envelope.savedAt ?? 0n;
  const there = (await findStored(to, task, { signal }))?.envelope.savedAt;
  // Two stores never assign the same version.
  if (there === here) throw sameStore();
  // A task there may be from an earlier call, and have been saved again here since.
  if (there === undefined || (there < here && !isAhead(here))) await copyTask(to, task, signal);
  await from.complete(task, { signal });
  // What was saved here in the meantime is newer than what was moved.
  const findHere = () => findStored(from, task, { signal });
  for (let newer = await findHere(); newer; newer = await findHere()) {
    await copyTask(to, newer, signal);
    await from.complete(newer, { signal });
  }
}

/** Byte for byte, at a later version there than here; a version of a wrong clock is ignored, and not carried on. */
async function copyTask(to: DataInterface, task: Task, signal: AbortSignal | undefined): Promise<void> {
  const { savedAt, ...envelope } = currentEnvelope(task);
  await saveCopy(to, isAhead(task.envelope.savedAt) ? envelope : { ...envelope, savedAt }, { signal });
}

/** Whether only a wrong clock can have made the version. */
function isAhead(savedAt: Version = 0n): boolean {
  return savedAt > processClock.horizon();
}

function sameStore(): TaskError {
  const message = "the tasks are to be moved to the store that they are in; nothing was moved";
  return new TaskError("INVALID_ARGUMENT", message, { field: "to" });
}
