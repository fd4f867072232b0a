import { TaskError } from "../core/errors.js";

/** Maximum number of tasks in a batch, for writers and readers. */
export const MAX_BATCH_TASKS = 10_000;

/** Maximum encoded size of what a group's tasks share, in bytes: otherwise few bytes could become very many. */
export const MAX_SHARED_BYTES = 1024;

/** How much larger than an envelope a batch may be, in bytes, so that every task fits into a batch of its own. */
export const BATCH_OVERHEAD_BYTES = 4096;

/** Throws TOO_LARGE. */
export function checkBatchTasks(count: number): void {
  if (count > MAX_BATCH_TASKS) throw tooManyTasks();
}

export function tooManyTasks(): TaskError {
  return tooLarge(`more than ${MAX_BATCH_TASKS} tasks, the limit`, "tasks");
}

/** Throws TOO_LARGE. */
export function checkBatchBytes(size: number, limit: number): void {
  if (size > limit) throw tooLarge(`${size} bytes; the limit is ${limit} (maxBatchBytes)`, "maxBatchBytes");
}

function tooLarge(reason: string, field: string): TaskError {
  return new TaskError("TOO_LARGE", `the batch has ${reason}`, { field });
}

/** An unknown field may be a column without which the tasks would be incomplete. */
export function unknownField(field: number, path: string | undefined): TaskError {
  return invalidBatch(`it has a field ${field} that this version does not know`, path);
}

export function invalidBatch(reason: string, field?: string, cause?: unknown): TaskError {
  return new TaskError("INVALID_BATCH", reason, { field, cause });
}
