import type { Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { TaskEnvelope } from "../../gen/taskledger/v1/envelope_pb.js";
import { decodeEnvelope } from "../envelope.js";
import type { DataReader } from "../envelope-codec.js";
import { isTaskError, TaskError } from "../errors.js";
import type { TaskKey } from "../keys.js";
import { typeNameOf } from "../type-url.js";
import type { MessageCodec } from "../wire/message-codec.js";
import { describeUndecodable, tryDecodingData } from "./data.js";
import { OpaqueTask } from "./opaque-task.js";
import type { TaskTypeRegistry } from "./registry.js";
import type { Task } from "./task.js";
import { fromEnvelope, meet } from "./task-envelope.js";
import { type TaskHome, TaskState } from "./task-state.js";
import { validateTask } from "./validation.js";

/** The task of a store's bytes. Throws INVALID_ENVELOPE, with as much of the key as is known. */
export function readStoredTask(
  bytes: Uint8Array,
  key: Partial<TaskKey>,
  home: TaskHome,
  registry: TaskTypeRegistry,
): Task {
  try {
    return decodeTask(bytes, Infinity, home, registry);
  } catch (error) {
    if (!isTaskError(error, "INVALID_ENVELOPE")) throw error;
    const { code, message, field, cause } = error;
    throw new TaskError(code, `the store holds what is no task: ${message}`, { ...key, field, cause });
  }
}

/** The task of an envelope's bytes. Throws INVALID_ENVELOPE, and TOO_LARGE over `maxBytes`. */
export function decodeTask(
  bytes: Uint8Array,
  maxBytes: number,
  home: TaskHome | undefined,
  registry: TaskTypeRegistry,
): Task {
  const decoder = dataReaderOf(registry);
  const envelope = decodeEnvelope(bytes, maxBytes, decoder);
  return readTask(envelope, home, registry, decoder?.message);
}

/** What reads data along with envelopes. Where it is checked afterwards, the bytes of what turns out to be invalid are kept. */
function dataReaderOf(registry: TaskTypeRegistry): DataReader | undefined {
  return registry.validation.validateRead ? undefined : new RegistryDecoder(registry);
}

/**
 * The task of an envelope: of its registered class, or opaque where there is none, or the data does not decode or is invalid; `message`
 * is its data, if that has been read.
 */
export function readTask(
  envelope: TaskEnvelope & { data: Any },
  home: TaskHome | undefined,
  registry: TaskTypeRegistry,
  message?: Message,
): Task {
  const type = typeNameOf(envelope.data.typeUrl);
  const taskClass = registry.get(type);
  if (taskClass === undefined) return opaque(envelope, home, () => unknownType(envelope, type));
  const { schema, codec } = taskClass;
  const { value } = envelope.data;
  const data = message ?? tryDecodingData(schema, value, codec);
  if (data instanceof Error) {
    const reason = describeUndecodable(schema, data);
    return opaque(envelope, home, () => invalidData(envelope, reason));
  }
  try {
    const task = fromEnvelope(taskClass, envelope, home, data);
    if (registry.validation.validateRead) validateTask(task, registry.validation);
    return task;
  } catch (error) {
    if (!isTaskError(error, "INVALID_DATA")) throw error;
    envelope.data.value = value; // reading takes it away
    return opaque(envelope, home, () => error);
  }
}

/** Its bytes are the user's to keep; they own their buffer. */
function opaque(
  envelope: TaskEnvelope & { data: Any },
  home: TaskHome | undefined,
  reason: () => TaskError,
): OpaqueTask {
  meet(envelope);
  const { data } = envelope;
  data.value = new Uint8Array(data.value);
  return new OpaqueTask(new TaskState(envelope, data, home), reason);
}

function unknownType({ taskList, id }: TaskKey, type: string): TaskError {
  return new TaskError("UNKNOWN_TYPE", `${type} is not among the types that are known here`, { taskList, id });
}

function invalidData({ taskList, id }: TaskKey, reason: string): TaskError {
  return new TaskError("INVALID_DATA", reason, { taskList, id, field: "data" });
}

/** Reads the data of every known type along with its envelope. */
class RegistryDecoder implements DataReader {
  message: Message | undefined = undefined;
  readonly registry: TaskTypeRegistry;

  constructor(registry: TaskTypeRegistry) {
    this.registry = registry;
  }

  codecOf(typeUrl: string): MessageCodec | undefined {
    return this.registry.get(typeNameOf(typeUrl))?.codec;
  }
}
