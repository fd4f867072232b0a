import type { DescMessage, Message } from "@bufbuild/protobuf";
import { describeValue, messageOf } from "../core/describe-value.js";
import { invalidArgument, TaskError } from "../core/errors.js";
import { adviseToAwait } from "../core/promises.js";
import { readFrom } from "../core/read-from.js";
import { isArray } from "../core/values.js";
import { OpaqueTask } from "./opaque-task.js";
import type { Task } from "./task.js";
import type { TaskClass } from "./task-types.js";

/** A rule that the data of a task breaks. */
export interface Violation {
  /** The path of the field, such as `recipients[0]`; empty for the message as a whole. */
  readonly field: string;
  /** The name of the rule, such as `string.email`. */
  readonly rule: string;
  /** What is wrong, for people. */
  readonly message?: string | undefined;
}

/**
 * Returns the rules that the data breaks; none if it is valid. It must be synchronous. If it throws, the data counts as invalid,
 * and the error's `cause` is what it threw.
 */
export type Validate = (schema: DescMessage, data: Message) => readonly Violation[];

/** The validation of a data interface. */
export interface Validation {
  readonly validate: Validate | undefined;
  /** Whether tasks are also validated when they are read. */
  readonly validateRead: boolean;
}

export const noValidation: Validation = { validate: undefined, validateRead: false };

/** Throws INVALID_ARGUMENT if they have wrong types. */
export function checkValidation(validate: unknown, validateRead: unknown): Validation {
  if (validate !== undefined && typeof validate !== "function")
    throw invalidArgument("validate", "a function", validate);
  if (typeof validateRead !== "boolean") throw invalidArgument("validateRead", "true or false", validateRead);
  return { validate: validate as Validate | undefined, validateRead };
}

/**
 * Throws INVALID_DATA with the first field and rule that the task's data breaks; the message names all. The data of
 * opaque tasks can't be validated.
 */
export function validateTask(task: Task, { validate }: Validation): void {
  if (validate === undefined || task instanceof OpaqueTask) return;
  const violations = callValidate(validate, task);
  if (violations.length === 0) return;
  const refuse = (reason: string, cause: unknown) => invalid(task, `its violations: ${reason}`, "data", cause);
  const [reason, field] = readFrom(
    () => [violations.map(describeViolation).join("; "), fieldOf(violations[0])],
    refuse,
  );
  throw invalid(task, reason as string, field as string);
}

function callValidate(validate: Validate, task: Task): readonly unknown[] {
  const { schema } = task.constructor as unknown as TaskClass;
  let violations: unknown;
  try {
    violations = validate(schema, task.data);
  } catch (cause) {
    throw invalid(task, `validate failed: ${messageOf(cause)}`, "data", cause);
  }
  if (isArray(violations)) return violations;
  const advice = adviseToAwait(violations, "; it is not awaited");
  throw invalidArgument("validate", "it to return an array of violations", violations, advice);
}

function invalid({ taskList, id, type }: Task, reason: string, field: string, cause?: unknown): TaskError {
  return new TaskError("INVALID_DATA", `${type}: ${reason}`, { taskList, id, field, cause });
}

function fieldOf(violation: unknown): string {
  const { field } = (violation ?? {}) as Partial<Violation>;
  return (typeof field === "string" && field) || "data";
}

function describeViolation(violation: unknown): string {
  const { rule, message } = (violation ?? {}) as Partial<Violation>;
  const field = fieldOf(violation);
  const name = typeof rule === "string" ? rule : describeValue(rule ?? violation);
  const what = field === "data" ? "the data" : field;
  return `${what} breaks ${name}${typeof message === "string" && message ? ` (${message})` : ""}`;
}
