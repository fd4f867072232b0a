import type { ClaimState } from "../adapter/index.js";
import type { Task, TaskKey } from "../index.js";
import { type CommandError, commandError, exitCodes } from "./command-error.js";
import type { Session } from "./session.js";

/** The state of the claims to each task; undefined if the store has no claims. */
export async function readClaims(
  { tasks: { adapter }, signal }: Session,
  tasks: readonly TaskKey[],
): Promise<readonly (ClaimState | undefined)[] | undefined> {
  return adapter.claims?.states(
    tasks.map(({ taskList, id }) => ({ taskList, id })),
    { signal },
  );
}

/** The open task. Throws a CommandError if it is not open. */
export async function findOpen({ tasks, signal }: Session, taskList: string, id: string): Promise<Task> {
  const task = await tasks.find(taskList, id, { signal });
  if (task) return task as Task;
  throw notOpen(taskList, id);
}

export function notOpen(taskList: string, id: string): CommandError {
  const advice = `It was completed, or never saved. Completed tasks are not kept: docs/completed.md says where to look.
See what is open in the list: taskledger ls ${shellQuoted(taskList)}`;
  return commandError(exitCodes.notOpen, "NOT_OPEN", `${taskList}/${id} is not open`, advice);
}

/** A text quoted so that a shell takes it for one word. */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
