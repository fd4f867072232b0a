import type { CompleteEntry, Outcome, SaveEntry } from "../adapter/adapter.js";
import { isTaskError, TaskError } from "../core/errors.js";
import type { Version } from "../core/version.js";
import { OpaqueTask } from "./opaque-task.js";
import type { TaskTypeRegistry } from "./registry.js";
import type { Task } from "./task.js";
import { bodyOf } from "./task-envelope.js";
import { adoptVersion, stateOf, type TaskHome, versionIn } from "./task-state.js";
import { validateTask } from "./validation.js";

/**
 * The entry that an adapter saves: the task as it is now; later changes do not affect it. Throws UNKNOWN_TYPE,
 * INVALID_DATA, TOO_LARGE.
 */
export function saveEntry(task: Task, home: TaskHome, registry: TaskTypeRegistry): SaveEntry {
  const state = stateOf(task);
  const { taskList, id, type } = task;
  if (!(task instanceof OpaqueTask) && registry.get(type) === undefined) {
    const message = `${type} is not registered in this data interface, which could not read it back: add its class to types`;
    throw new TaskError("UNKNOWN_TYPE", message, { taskList, id, field: "types" });
  }
  validateTask(task, registry.validation);
  const savedAt = versionIn(home, state);
  const replaces = savedAt === undefined ? [] : [savedAt, ...state.replaced];
  return { taskList, id, type, replaces, body: bodyOf(task, home.maxTaskBytes) };
}

/** Gives the task the version that it was saved as, or may have been; returns the error, if there is one. */
export function settleSave(task: Task, home: TaskHome, outcome: Outcome<Version> | undefined): TaskError | undefined {
  if (!isOutcome(outcome, isVersion)) return noOutcome();
  if (outcome.ok) adoptVersion(task, outcome.value, home, "saved");
  else if (outcome.attempted !== undefined) adoptVersion(task, outcome.attempted, home, "unknown");
  return outcome.ok ? undefined : outcome.error;
}

/** Throws NOT_SAVED if the task has no version in this store. */
export function completeEntry(task: Task, home: TaskHome): CompleteEntry {
  const state = stateOf(task);
  const { taskList, id } = task;
  const savedAt = versionIn(home, state);
  if (savedAt !== undefined) return { taskList, id, savedAt };
  const reason =
    state.envelope.savedAt === undefined
      ? "the task has no version: it was not saved, or its bytes were taken before the save; serialize after saving"
      : "the task was read from, or saved to, another data interface; complete it there";
  throw new TaskError("NOT_SAVED", reason, { taskList, id, field: "savedAt" });
}

export function settleComplete(outcome: Outcome<void> | undefined): TaskError | undefined {
  return errorOf(outcome, isAnything);
}

/** The error of a save of something that is not a task of this process, such as a copy. */
export function settleCopy(outcome: Outcome<Version> | undefined): TaskError | undefined {
  return errorOf(outcome, isVersion);
}

function errorOf<T>(outcome: Outcome<T> | undefined, isValue: (value: unknown) => boolean): TaskError | undefined {
  if (!isOutcome(outcome, isValue)) return noOutcome();
  return outcome.ok ? undefined : outcome.error;
}

/** If an adapter returns anything else, it is unknown what it has done. */
function isOutcome<T>(given: Outcome<T> | undefined, isValue: (value: unknown) => boolean): given is Outcome<T> {
  try {
    if (given?.ok === true) return isValue(given.value);
    return (
      given?.ok === false && isTaskError(given.error) && (given.attempted === undefined || isVersion(given.attempted))
    );
  } catch {
    return false;
  }
}

function isVersion(value: unknown): boolean {
  return typeof value === "bigint";
}

function isAnything(): boolean {
  return true;
}

function noOutcome(): TaskError {
  return new TaskError("UNAVAILABLE", "the adapter returned no outcome", { outcome: "unknown" });
}
