import type { DescMessage, Message } from "@bufbuild/protobuf";
import { describeValue, invalidArgument, TaskError } from "../errors.js";
import { OpaqueTask } from "./opaque-task.js";
import type { Task } from "./task.js";
import type { TaskClass } from "./task-types.js";

/** A rule that the data of a task breaks. */
export interface Violation {
  /** The path of the field, such as `recipients[0]`; empty for the message as a whole. */
  readonly field: string;
  /** What names the rule, such as `string.email`. */
  readonly rule: string;
  /** For people: what is wrong. */
  readonly message?: string | undefined;
}

/** Gives the rules that data breaks; none where it is valid. */
export type Validate = (schema: DescMessage, data: Message) => readonly Violation[];

/** The validation of a data interface. */
export interface Validation {
  readonly validate: Validate | undefined;
  /** Whether tasks are looked at also when they are read. */
  readonly validateRead: boolean;
}

export const noValidation: Validation = { validate: undefined, validateRead: false };

/** Throws INVALID_ARGUMENT where they are not what they must be. */
export function checkValidation(validate: unknown, validateRead: unknown): Validation {
  if (validate !== undefined && typeof validate !== "function")
    throw invalidArgument("validate", "a function", validate);
  if (typeof validateRead !== "boolean") throw invalidArgument("validateRead", "true or false", validateRead);
  return { validate: validate as Validate | undefined, validateRead };
}

/**
 * Throws INVALID_DATA with the first field and rule that the task's data breaks; the message names all. An opaque task's data
 * can't be looked at.
 */
export function validateTask(task: Task, { validate }: Validation): void {
  if (validate === undefined || task instanceof OpaqueTask) return;
  const { schema } = task.constructor as unknown as TaskClass;
  const violations = validate(schema, task.data);
  if (!Array.isArray(violations)) throw invalidArgument("validate", "it to return an array of violations", violations);
  const [first] = violations;
  if (first === undefined) return;
  const { taskList, id, type } = task;
  const message = `${type}: ${violations.map(describeViolation).join("; ")}`;
  throw new TaskError("INVALID_DATA", message, { taskList, id, field: first.field || "data" });
}

function describeViolation({ field, rule, message }: Violation): string {
  return `${field || "the data"} breaks ${typeof rule === "string" ? rule : describeValue(rule)}${message ? ` (${message})` : ""}`;
}
