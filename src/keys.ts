import { describeValue, TaskError } from "./errors.js";

/** The names a task goes by: its list, and its id in that list. */
export interface TaskKey {
  readonly taskList: string;
  readonly id: string;
}

/** The longest task list and the longest id, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 512;

/** Throws INVALID_KEY unless `value` is 1 to 512 bytes of well-formed UTF-8 without NUL. */
export function checkTaskList(value: unknown): asserts value is string {
  checkName(value, "taskList", "the task list");
}

/** Throws INVALID_KEY unless `value` is 1 to 512 bytes of well-formed UTF-8 without NUL. */
export function checkId(value: unknown): asserts value is string {
  checkName(value, "id", "the id");
}

export function checkKey(taskList: unknown, id: unknown): void {
  checkTaskList(taskList);
  checkId(id);
}

/** A text that names a task, for maps: neither key holds a NUL. */
export function nameOf({ taskList, id }: TaskKey): string {
  return `${taskList}\0${id}`;
}

function checkName(value: unknown, field: "taskList" | "id", name: string): void {
  const problem = problemOf(value);
  if (problem === undefined) return;
  const limits = `${name} must be a string of 1 to ${MAX_KEY_BYTES} bytes of well-formed UTF-8 without NUL`;
  throw new TaskError("INVALID_KEY", `${limits}; ${problem}`, { field });
}

function problemOf(value: unknown): string | undefined {
  if (typeof value !== "string") return `got ${describeValue(value)}`;
  if (value === "") return "it is empty";
  const bytes = byteLength(value);
  if (bytes > MAX_KEY_BYTES) return `it has ${bytes} bytes`;
  if (!value.isWellFormed()) return "it holds a lone surrogate";
  if (value.includes("\0")) return "it holds a NUL";
  return undefined;
}

/** Bytes of UTF-8; exact only where that decides. */
function byteLength(value: string): number {
  return value.length * 3 <= MAX_KEY_BYTES ? value.length : Buffer.byteLength(value);
}
