import { createHash } from "node:crypto";
import type { DataInterface } from "../data-interface.js";
import { messageOf } from "../describe-value.js";
import { encodeEnvelope } from "../envelope/encode.js";
import { isTaskError } from "../errors.js";
import { MAX_KEY_BYTES } from "../keys.js";
import type { Task } from "../task/task.js";
import { currentEnvelope } from "../task/task-envelope.js";
import type { Exhaustion } from "./recover-options.js";

/**
 * Saves a copy of an open task in another list. Its headers tell where it came from, why, when, and after how many
 * attempts. Its id follows from the task's list, id and version: a version that is given up twice is there once, and no
 * other task takes its place.
 */
export async function saveDeadLetter(
  tasks: DataInterface,
  task: Task,
  deadLetterList: string,
  { attempts, error }: Exhaustion,
): Promise<Task> {
  const envelope = currentEnvelope(task);
  delete envelope.savedAt;
  Object.assign(envelope.headers, {
    "taskledger-dead-list": task.taskList,
    "taskledger-dead-id": task.id,
    "taskledger-dead-at": new Date().toISOString(),
    "taskledger-dead-attempts": String(attempts),
    "taskledger-dead-reason": reasonOf(error),
  });
  const copy = { ...envelope, taskList: deadLetterList, id: deadLetterId(task), attempt: attempts };
  return tasks.save(tasks.fromBinary(encodeEnvelope(copy, tasks.maxTaskBytes)));
}

/** The list is escaped, so that it is known where the id begins. */
function deadLetterId({ taskList, id, envelope }: Task): string {
  const name = `${encodeURIComponent(taskList)}/${id}@${envelope.savedAt}`;
  if (Buffer.byteLength(name) <= MAX_KEY_BYTES) return name;
  return `sha256:${createHash("sha256").update(name).digest("hex")}`;
}

/** In so few characters that it seldom carries a task over its limit. */
function reasonOf(error: unknown): string {
  const code = isTaskError(error) ? `${error.code}: ` : "";
  return `${code}${messageOf(error)}`.slice(0, 1000).toWellFormed();
}
