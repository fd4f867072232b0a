import type { AnySchema } from "@bufbuild/protobuf/wkt";
import { TaskError } from "../core/errors.js";
import type { FullEnvelope } from "../envelope/envelope.js";
import { Task } from "./task.js";
import { stateOf, type TaskState } from "./task-state.js";

/** Creates the reason, when it is asked for: an error takes more time and memory to create than a task to read. */
const REASON = Symbol("taskledger.reason");

/** Tells why a task with this envelope is opaque. */
export type Reason = (envelope: FullEnvelope) => TaskError;

interface WithReason {
  [REASON]: Reason;
}

function setReason(task: OpaqueTask, reason: Reason): void {
  (task as unknown as WithReason)[REASON] = reason;
}

/**
 * A task whose data can't be decoded here: its type is not registered, or its bytes do not fit the type. It can be
 * listed, saved under its list and id, and completed, and its data is passed on byte for byte. `data` holds the type's URL
 * and the bytes.
 *
 * Its `type` may be that of a registered class, if only its data does not fit. So rule out opaque tasks before you compare
 * types:
 *
 *     if (task instanceof OpaqueTask) continue;          // task.reason says why
 *     if (task.type === "acme.v1.FetchFile") task.filename;
 *
 * `task instanceof FetchFile` alone is enough, too.
 */
export class OpaqueTask extends Task<typeof AnySchema> {
  /** @internal Tasks become opaque when they are read; there is no other way to make one. */
  constructor(state: TaskState, reason: Reason) {
    if (typeof reason !== "function")
      throw new TaskError("UNSUPPORTED", "an OpaqueTask is made by reading a task, and in no other way");
    super(state as never);
    setReason(this, reason);
  }

  /** Why: UNKNOWN_TYPE, INVALID_DATA, or, of a damaged task, INVALID_ENVELOPE. */
  get reason(): TaskError {
    const made = (this as unknown as WithReason)[REASON](stateOf(this).envelope);
    setReason(this, () => made);
    return made;
  }

  /** Rejects with {@link OpaqueTask.reason}. */
  override async execute(): Promise<never> {
    throw this.reason;
  }
}
