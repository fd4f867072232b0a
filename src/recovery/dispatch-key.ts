import { createHash } from "node:crypto";
import { TaskError } from "../core/errors.js";
import type { Task } from "../task/task.js";
import { stateOf, versionOf } from "../task/task-state.js";

/** Maximum length; some queues accept no more. */
const MAX_LENGTH = 128;

/**
 * A deduplication key for a task's message in a queue, made from its list, its id, its version and the number of attempts so
 * far. A queue that deduplicates then holds the task at most once; a task that is saved again, or tried again, has another
 * key.
 *
 * It has at most 128 characters of ASCII, without `:` and white space, and is never a number, as BullMQ wants it.
 *
 *     await queue.add("task", data, { deduplication: { id: dispatchKey(task) } });
 *
 * @throws NOT_SAVED if the task has no version, TYPE_MISMATCH.
 */
export function dispatchKey(task: Task): string {
  const state = stateOf(task);
  const { envelope } = state;
  const savedAt = versionOf(state);
  const { taskList, id } = task;
  if (savedAt === undefined)
    throw new TaskError("NOT_SAVED", "the task has no version: save it first", { taskList, id, field: "savedAt" });
  const key = `${[taskList, id].map(encodeURIComponent).join("/")}@${savedAt}${envelope.attempt > 0 ? `.${envelope.attempt}` : ""}`;
  return key.length <= MAX_LENGTH ? key : `sha256-${createHash("sha256").update(key).digest("hex")}`;
}
