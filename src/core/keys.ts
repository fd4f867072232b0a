import { describeValue, invalidArgument, TaskError } from "./errors.js";
import { internalize } from "./internalize.js";
import { adviseToAwait } from "./promises.js";
import { readArgument, readArray } from "./read-from.js";
import { isArray, isPlainObject } from "./values.js";

/** Identifies a task: its list, and its id in that list. */
export interface TaskKey {
  /** The task list: 1 to 512 bytes of UTF-8 without NUL. */
  readonly taskList: string;
  /** The id, unique in its list: 1 to 512 bytes of UTF-8 without NUL. */
  readonly id: string;
}

/** Maximum length of a task list and of an id, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 512;

/** Throws INVALID_KEY unless `value` is 1 to 512 bytes of well-formed UTF-8 without NUL. */
export function checkTaskList(value: unknown): asserts value is string {
  if (!isTaskList(value)) throw nameError(value, "taskList");
}

/** Throws INVALID_KEY unless `value` is 1 to 512 bytes of well-formed UTF-8 without NUL. */
export function checkId(value: unknown): asserts value is string {
  if (!isName(value)) throw nameError(value, "id");
}

export function checkKey(taskList: unknown, id: unknown): void {
  if (!isKey(taskList, id)) throw keyError(taskList, id);
}

/** A key that is given as one object, such as a task. Throws INVALID_KEY, and INVALID_ARGUMENT if its members can't be read. */
export function readKey(field: string, value: TaskKey): TaskKey {
  const key = readArgument(field, () => {
    const { taskList, id } = Object(value) as TaskKey;
    return { taskList, id };
  });
  checkKey(key.taskList, key.id);
  return key;
}

/** What `checkKey` throws for a list or an id that is not valid. */
export function keyError(taskList: unknown, id: unknown): TaskError {
  return isTaskList(taskList) ? nameError(id, "id") : nameError(taskList, "taskList");
}

/** Whether `checkKey` accepts them. */
export function isKey(taskList: unknown, id: unknown): boolean {
  return isTaskList(taskList) && isName(id);
}

/** A text that names a task, for maps: neither key holds a NUL. */
export function joinKey({ taskList, id }: TaskKey): string {
  return `${taskList}\0${id}`;
}

/** Most tasks are of the list of the one before. */
let lastList: string | undefined;

function isTaskList(value: unknown): boolean {
  if (value !== undefined && value === lastList) return true;
  if (!isName(value)) return false;
  lastList = internalize(value);
  return true;
}

function isName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    byteLength(value) <= MAX_KEY_BYTES &&
    value.isWellFormed() &&
    !value.includes("\0")
  );
}

function nameError(value: unknown, field: "taskList" | "id"): TaskError {
  const name = field === "id" ? "the id" : "the task list";
  const limits = `${name} must be a string of 1 to ${MAX_KEY_BYTES} bytes of well-formed UTF-8 without NUL`;
  return new TaskError("INVALID_KEY", `${limits}; ${problemOf(value)}`, { field });
}

function problemOf(value: unknown): string {
  if (typeof value !== "string") return `got ${describeValue(value)}${adviseOnKey(value)}`;
  if (value === "") return "it is empty";
  const bytes = byteLength(value);
  if (bytes > MAX_KEY_BYTES) return `it has ${bytes} bytes`;
  return value.isWellFormed() ? "it holds a NUL" : "it holds a lone surrogate";
}

function adviseOnKey(value: unknown): string {
  const isKeyObject = isPlainObject(value) && "taskList" in value && "id" in value;
  return isKeyObject ? "; the list and the id are two arguments" : adviseToAwait(value);
}

/** Bytes of UTF-8; exact only where that decides. */
function byteLength(value: string): number {
  return value.length * 3 <= MAX_KEY_BYTES ? value.length : Buffer.byteLength(value);
}

/** One list or several, as an array. Throws INVALID_KEY, and INVALID_ARGUMENT if there is none. */
export function checkTaskLists(taskLists: unknown): readonly string[] {
  const expected = "a task list, or an array of them";
  const lists = readArray("taskLists", expected, isArray(taskLists) ? taskLists : [taskLists], (list) => {
    checkTaskList(list);
    return list;
  });
  if (lists.length === 0) throw invalidArgument("taskLists", expected, taskLists);
  return lists;
}

/** Throws KEY_CONFLICT if two have one list and id. */
export function checkDistinct(keys: readonly TaskKey[]): void {
  const names = new Map(keys.map((key, i) => [joinKey(key), i]));
  const first = keys.findIndex((key, i) => names.get(joinKey(key)) !== i);
  const { taskList, id } = keys[first] ?? {};
  if (first < 0) return;
  const other = names.get(joinKey(keys[first] as TaskKey));
  const message = `two of the tasks, ${first} and ${other}, have one list and id: one would replace the other; give them ids or lists of their own`;
  throw new TaskError("KEY_CONFLICT", message, { taskList, id, field: `tasks[${other}]` });
}
