import { createHash } from "node:crypto";
import { messageOf } from "../core/describe-value.js";
import { isTaskError } from "../core/errors.js";
import { isKey, type TaskKey } from "../core/keys.js";
import type { FullEnvelope } from "../envelope/envelope.js";
import type { DataInterface } from "../interface/data-interface.js";
import { saveCopy } from "../interface/save-copy.js";
import type { Task } from "../task/task.js";
import { currentEnvelope } from "../task/task-envelope.js";
import type { Exhaustion } from "./perform-options.js";

/** The headers of a dead letter: where it came from, and why, when and after how many attempts it was given up. */
const header = {
  list: "taskledger-dead-list",
  id: "taskledger-dead-id",
  at: "taskledger-dead-at",
  attempts: "taskledger-dead-attempts",
  reason: "taskledger-dead-reason",
} as const;

/**
 * Saves a copy of an open task in another list. Its id follows from the task's list, id and version: a version that is given
 * up twice is there once, and no other task takes its place.
 */
export async function saveDeadLetter(
  tasks: DataInterface,
  task: Task,
  deadLetterList: string,
  { attempts, error }: Exhaustion,
): Promise<void> {
  const { savedAt: _, ...envelope } = currentEnvelope(task);
  // A dead letter that is given up once more still leads back to where it came from first.
  const origin = originOf(task) ?? task;
  Object.assign(envelope.headers, {
    [header.list]: origin.taskList,
    [header.id]: origin.id,
    [header.at]: new Date().toISOString(),
    [header.attempts]: String(attempts),
    [header.reason]: reasonOf(error),
  });
  await saveCopy(tasks, { ...envelope, taskList: deadLetterList, id: deadLetterId(task), attempt: attempts });
}

/** The original list and id of a dead letter; undefined if the task is not a dead letter. */
export function originOf({ envelope }: Task): TaskKey | undefined {
  const { [header.list]: taskList, [header.id]: id } = envelope.headers;
  return taskList !== undefined && id !== undefined && isKey(taskList, id) ? { taskList, id } : undefined;
}

/** The original task of a dead letter, to be done again. */
export function originalOf(deadLetter: Task, { taskList, id }: TaskKey): FullEnvelope {
  const { savedAt: _, ...envelope } = currentEnvelope(deadLetter);
  for (const name of Object.values(header)) delete envelope.headers[name];
  return { ...envelope, taskList, id, attempt: 0 };
}

/** The list is escaped, so that the start of the id is unambiguous. */
function deadLetterId({ taskList, id, envelope }: Task): string {
  const name = `${encodeURIComponent(taskList)}/${id}@${envelope.savedAt}`;
  if (isKey("any", name)) return name;
  return `sha256:${createHash("sha256").update(name).digest("hex")}`;
}

/** Truncated: headers travel with a task, and are read whenever it is. */
function reasonOf(error: unknown): string {
  const code = isTaskError(error) ? `${error.code}: ` : "";
  return `${code}${messageOf(error)}`.slice(0, 1000).toWellFormed();
}
