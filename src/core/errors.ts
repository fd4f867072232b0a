import { describeValue } from "./describe-value.js";
import { adviseToAwait } from "./promises.js";

export { describeValue };

/** Input that was refused before anything happened. */
export type InputErrorCode =
  | "INVALID_KEY"
  | "KEY_CONFLICT"
  | "AMBIGUOUS_BUILD"
  | "UNKNOWN_FIELD"
  | "INVALID_DATA"
  | "INVALID_ARGUMENT"
  | "TOO_LARGE"
  | "INVALID_URL";

/** Bytes or a hash that could not be read. */
export type DecodingErrorCode =
  | "INVALID_ENVELOPE"
  | "INVALID_HASH"
  | "INVALID_BATCH"
  | "TRUNCATED"
  | "UNKNOWN_TYPE"
  | "TYPE_MISMATCH";

/** Something to mend in the program or its installation. */
export type SetupErrorCode =
  | "NOT_CONFIGURED"
  | "ALREADY_CONFIGURED"
  | "DUPLICATE_TYPE"
  | "SCHEMA_MISMATCH"
  | "MISSING_DRIVER";

/** A call that does not fit the state of its object. */
export type StateErrorCode = "NOT_SAVED" | "NOT_IMPLEMENTED" | "CLOSED" | "CLAIM_LOST" | "UNSUPPORTED";

/** The store could not do it, or did not say that it did. */
export type StoreErrorCode = "UNAVAILABLE" | "TIMEOUT" | "OVERLOADED" | "CLOCK_SKEW" | "ABORTED";

/** Some of many failed; the error tells which. */
export type ManyErrorCode = "BULK_FAILED" | "COMPOSITE_INCOMPLETE";

export type TaskErrorCode =
  | InputErrorCode
  | DecodingErrorCode
  | SetupErrorCode
  | StateErrorCode
  | StoreErrorCode
  | ManyErrorCode;

/** Whether a failed write may have been applied all the same. */
export type WriteOutcome = "not-applied" | "unknown";

export interface TaskErrorDetails {
  readonly taskList?: string | undefined;
  readonly id?: string | undefined;
  /** The offending field, as a path: `filename`, `recipients[3]`, `headers["x"]`. */
  readonly field?: string | undefined;
  /** `not-applied` by default. */
  readonly outcome?: WriteOutcome | undefined;
  readonly cause?: unknown;
}

/**
 * Every error that Taskledger throws on purpose. `code` is stable; the message is for people.
 *
 *     try { await task.save(); } catch (error) {
 *       if (isTaskError(error, "TIMEOUT") && error.outcome === "unknown") …  // saving again is safe
 *     }
 */
export class TaskError extends Error {
  override readonly name = "TaskError" as const;
  readonly code: TaskErrorCode;
  readonly taskList: string | undefined;
  readonly id: string | undefined;
  readonly field: string | undefined;
  readonly outcome: WriteOutcome;

  constructor(code: TaskErrorCode, message: string, details: TaskErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.taskList = details.taskList;
    this.id = details.id;
    this.field = details.field;
    this.outcome = details.outcome ?? "not-applied";
  }
}

/** INVALID_ARGUMENT that names the argument, what it should be and what it is. */
export function invalidArgument(
  field: string,
  expected: string,
  value: unknown,
  advice: string = adviseToAwait(value),
): TaskError {
  const message = `${field}: expected ${expected}, got ${describeValue(value)}${advice}`;
  return new TaskError("INVALID_ARGUMENT", message, { field });
}

/** Whether `error` is a {@link TaskError}, of the given code if there is one. It knows those of another installed copy too. */
export function isTaskError<C extends TaskErrorCode = TaskErrorCode>(
  error: unknown,
  code?: C,
): error is TaskError & { readonly code: C } {
  try {
    if (!(error instanceof Error) || error.name !== "TaskError") return false;
    const { code: own } = error as TaskError;
    return typeof own === "string" && (code === undefined || own === code);
  } catch {
    return false; // a proxy, or an error whose members throw
  }
}
