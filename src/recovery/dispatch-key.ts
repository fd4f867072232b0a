import { createHash } from "node:crypto";
import { TaskError } from "../core/errors.js";
import { savedAtOf } from "../envelope/envelope.js";
import type { Task } from "../task/task.js";
import { stateOf } from "../task/task-state.js";

/** Some queues take no more. */
const MAX_LENGTH = 128;

/**
 * A name for what is sent to a queue of a task, for queues that drop what they hold already: of its list, its id, its version, and
 * the number of attempts so far. So the same task is not queued twice, as long as the first message waits; one that is saved
 * again, or tried again, has another name.
 *
 * It has at most 128 characters of ASCII, without `:` and white space, and is never a number, as BullMQ wants it.
 *
 *     await queue.add("task", data, { deduplication: { id: dispatchKey(task) } });
 *
 * @throws NOT_SAVED if the task has no version, TYPE_MISMATCH.
 */
export function dispatchKey(task: Task): string {
  const { envelope } = stateOf(task);
  const savedAt = savedAtOf(envelope);
  const { taskList, id } = task;
  if (savedAt === undefined)
    throw new TaskError("NOT_SAVED", "the task has no version: save it first", { taskList, id, field: "savedAt" });
  const key = `${[taskList, id].map(encodeURIComponent).join("/")}@${savedAt}${envelope.attempt > 0 ? `.${envelope.attempt}` : ""}`;
  return key.length <= MAX_LENGTH ? key : `sha256-${createHash("sha256").update(key).digest("hex")}`;
}
