import type { Any } from "@bufbuild/protobuf/wkt";
import type { TaskEnvelope } from "../gen/taskledger/v1/envelope_pb.js";
import { typeNameOf } from "./envelope.js";
import { isTaskError, TaskError } from "./errors.js";
import { OpaqueTask } from "./opaque-task.js";
import type { TaskTypeRegistry } from "./registry.js";
import type { Task } from "./task.js";
import { fromEnvelope, meet } from "./task-envelope.js";
import type { TaskHome } from "./task-state.js";

/** The task of an envelope: of its registered class, or opaque where there is none or the data does not decode. */
export function readTask(envelope: TaskEnvelope & { data: Any }, home: TaskHome, registry: TaskTypeRegistry): Task {
  const type = typeNameOf(envelope.data.typeUrl);
  const taskClass = registry.get(type);
  if (taskClass === undefined) return opaque(envelope, home, unknownType(envelope, type));
  try {
    return fromEnvelope(taskClass, envelope, home);
  } catch (error) {
    if (isTaskError(error, "INVALID_DATA")) return opaque(envelope, home, error);
    throw error;
  }
}

function opaque(envelope: TaskEnvelope & { data: Any }, home: TaskHome, reason: TaskError): OpaqueTask {
  meet(envelope);
  // Its bytes are the user's to keep; they own their buffer.
  const data = { ...envelope.data, value: new Uint8Array(envelope.data.value) };
  return new OpaqueTask({ envelope: { ...envelope, data }, data, home, replaced: [] }, reason);
}

function unknownType({ taskList, id }: TaskEnvelope, type: string): TaskError {
  return new TaskError("UNKNOWN_TYPE", `${type} is not among the types of this data interface`, { taskList, id });
}
