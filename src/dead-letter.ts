import { createHash } from "node:crypto";
import type { OperationOptions } from "./adapter.js";
import type { DataInterface } from "./data-interface.js";
import { encodeEnvelope } from "./envelope.js";
import { isTaskError } from "./errors.js";
import { MAX_KEY_BYTES, type TaskKey } from "./keys.js";
import type { Task } from "./task.js";
import { currentEnvelope } from "./task-envelope.js";

/** Why a task is given up. */
export interface DeadLetterReason {
  readonly attempts: number;
  readonly error: unknown;
}

/**
 * Saves a copy of a task in another list. Its headers tell where it came from, why, when, and after how many attempts.
 * The copy's id follows from the task's list and id, so that a task that is given up twice is there once.
 */
export async function saveDeadLetter(
  tasks: DataInterface,
  task: Task,
  deadLetterList: string,
  { attempts, error }: DeadLetterReason,
  options: OperationOptions,
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
  const copy = { ...envelope, taskList: deadLetterList, id: deadLetterId(task) };
  return tasks.save(tasks.fromBinary(encodeEnvelope(copy, tasks.maxTaskBytes)), options);
}

function deadLetterId({ taskList, id }: TaskKey): string {
  const name = `${taskList}/${id}`;
  if (Buffer.byteLength(name) <= MAX_KEY_BYTES) return name;
  return `sha256:${createHash("sha256").update(`${taskList}\0${id}`).digest("hex")}`;
}

/** In so few characters that it does not carry the task over its limit. */
function reasonOf(error: unknown): string {
  const code = isTaskError(error) ? `${error.code}: ` : "";
  const message = error instanceof Error ? error.message : String(error);
  return `${code}${message}`.slice(0, 1000).toWellFormed();
}
