import type { AnySchema } from "@bufbuild/protobuf/wkt";
import { TaskError } from "../errors.js";
import { Task } from "./task.js";
import type { TaskState } from "./task-state.js";

/**
 * A task whose data can't be decoded here: its type is not registered, or its bytes do not fit the type. It can be
 * listed, passed on byte for byte, saved under its list and id, and completed. `data` holds the type's URL and the
 * bytes.
 */
export class OpaqueTask extends Task<typeof AnySchema> {
  /** Why: UNKNOWN_TYPE or INVALID_DATA. */
  readonly reason: TaskError;

  /** Tasks become opaque by being read; there is no other way to make one. */
  constructor(state: TaskState, reason: TaskError) {
    if (!(reason instanceof TaskError))
      throw new TaskError("UNSUPPORTED", "an OpaqueTask is made by reading a task, and in no other way");
    super(state as never);
    this.reason = reason;
  }

  override async execute(): Promise<never> {
    throw this.reason;
  }
}
