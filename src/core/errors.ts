import { describeValue } from "./describe-value.js";
import { adviseToAwait } from "./promises.js";

export { describeValue };

/** Input that was refused before anything happened. */
export type InputErrorCode =
  /** A task list or an id that is not 1 to 512 bytes of well-formed UTF-8 without NUL. */
  | "INVALID_KEY"
  /** A list or an id that differs from the field that supplies it. */
  | "KEY_CONFLICT"
  /** The data has a field `task_list` or `id` that no option names: use `new` with `data:`. */
  | "AMBIGUOUS_BUILD"
  /** A key that the schema does not have. */
  | "UNKNOWN_FIELD"
  /** A value that its field cannot hold, data that does not decode, or a rule that is broken. */
  | "INVALID_DATA"
  /** An argument or option with a wrong value, or an unknown option. */
  | "INVALID_ARGUMENT"
  /** More than `maxTaskBytes`, `maxBatchBytes`, or 10,000 tasks in a batch. */
  | "TOO_LARGE"
  /** Not the URL of a store. */
  | "INVALID_URL";

/** Bytes or a hash that could not be read. */
export type DecodingErrorCode =
  /** Bytes that are not a task. */
  | "INVALID_ENVELOPE"
  /** JSON that is not a task; `field` is the path of what is wrong. */
  | "INVALID_HASH"
  /** Bytes that are not a batch, or not frames. */
  | "INVALID_BATCH"
  /** A stream that ended inside a frame. */
  | "TRUNCATED"
  /** A type that is not registered. */
  | "UNKNOWN_TYPE"
  /** A task of another type, or a value that is not a task or a task class. */
  | "TYPE_MISMATCH";

/** Something to fix in the program or its installation. */
export type SetupErrorCode =
  /** `configure` was not called. */
  | "NOT_CONFIGURED"
  /** `configure` was called before. */
  | "ALREADY_CONFIGURED"
  /** Two classes of one type. */
  | "DUPLICATE_TYPE"
  /** An existing store whose schema or settings do not fit. */
  | "SCHEMA_MISMATCH"
  /** The driver of a store that is not installed. */
  | "MISSING_DRIVER";

/** A call that does not fit the state of its object. */
export type StateErrorCode =
  /** A task that has no version in this store. */
  | "NOT_SAVED"
  /** `execute` is not overridden. */
  | "NOT_IMPLEMENTED"
  /** A call after `close()`. */
  | "CLOSED"
  /** The claim has ended. */
  | "CLAIM_LOST"
  /** An operation that this store or class does not support. */
  | "UNSUPPORTED";

/** The store failed, or did not acknowledge the operation. */
export type StoreErrorCode =
  /** The store can't be reached, or failed. */
  | "UNAVAILABLE"
  /** The store, or a handler, took too long. */
  | "TIMEOUT"
  /** The store, or the queue before it, is full. */
  | "OVERLOADED"
  /** A clock that is wrong. */
  | "CLOCK_SKEW"
  /** The signal was aborted. */
  | "ABORTED";

/** Some of several tasks failed; the error tells which. */
export type ManyErrorCode =
  /** Some of the tasks of `saveAll` or `completeAll` failed. */
  | "BULK_FAILED"
  /** Some children of a composite task failed. */
  | "COMPOSITE_INCOMPLETE";

/** All codes; docs/errors.md says of each when it is thrown, and what to do. */
export type TaskErrorCode =
  | InputErrorCode
  | DecodingErrorCode
  | SetupErrorCode
  | StateErrorCode
  | StoreErrorCode
  | ManyErrorCode;

/** Whether a failed write may have been applied. */
export type WriteOutcome = "not-applied" | "unknown";

/** What a {@link TaskError} may hold besides its code and message. All members are optional. */
export interface TaskErrorDetails {
  /** The list of the task that the error is about. */
  readonly taskList?: string | undefined;
  /** The id of the task that the error is about. */
  readonly id?: string | undefined;
  /** The offending field, as a path: `filename`, `recipients[3]`, `headers["x"]`. */
  readonly field?: string | undefined;
  /** Whether the failed write may have been applied. @defaultValue "not-applied" */
  readonly outcome?: WriteOutcome | undefined;
  /** The error behind this one, such as the driver's. */
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
  /** Always `"TaskError"`, also for a {@link BulkError}. */
  override readonly name = "TaskError" as const;
  /** What went wrong. Codes are stable; docs/errors.md describes each. */
  readonly code: TaskErrorCode;
  /** The list of the task that the error is about; undefined if it is not about one task. */
  readonly taskList: string | undefined;
  /** The id of the task that the error is about; undefined if it is not about one task. */
  readonly id: string | undefined;
  /** The offending field, as a path: `filename`, `recipients[3]`, `headers["x"]`; undefined if there is none. */
  readonly field: string | undefined;
  /** Whether the failed write may have been applied. */
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

/**
 * Whether `error` is a {@link TaskError}, with the given code if one is given. Recognizes those of another installed copy of
 * the package, too.
 */
export function isTaskError<C extends TaskErrorCode = TaskErrorCode>(
  error: unknown,
  code?: C,
): error is TaskError & {
  /** The code that was asked for. */
  readonly code: C;
} {
  try {
    if (!(error instanceof Error) || error.name !== "TaskError") return false;
    const { code: own } = error as TaskError;
    return typeof own === "string" && (code === undefined || own === code);
  } catch {
    return false; // a proxy, or an error whose members throw
  }
}
