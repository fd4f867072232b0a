import { describeValue } from "../core/describe-value.js";
import { TaskError } from "../core/errors.js";
import { Problem } from "../core/problem.js";
import { adviseToAwait } from "../core/promises.js";

/** INVALID_DATA for the field at a path; for the data as a whole if the path is empty. */
export function invalidData(path: string, reason: string, cause?: unknown): TaskError {
  return new TaskError("INVALID_DATA", `${path || "the data"}: ${reason}`, { field: path || "data", cause });
}

/** A key that a message or a oneof does not have; the message contains its path. */
export class UnknownName extends Problem {
  readonly messageAt: (path: string) => string;

  constructor(messageAt: (path: string) => string) {
    super("there is no such field");
    this.messageAt = messageAt;
  }
}

/** The problem that a value is not what was expected. */
export function notA(expected: string, value: unknown, advice = ""): Problem {
  return new Problem(`expected ${expected}, got ${describeValue(value)}${adviseToAwait(value) || advice}`);
}

/** INVALID_DATA or UNKNOWN_FIELD for a Problem; returns anything else unchanged. */
export function toDataError(thrown: unknown): unknown {
  if (thrown instanceof UnknownName)
    return new TaskError("UNKNOWN_FIELD", thrown.messageAt(thrown.path), { field: thrown.path });
  return thrown instanceof Problem ? invalidData(thrown.path, thrown.message) : thrown;
}
