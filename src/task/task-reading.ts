import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { DamagedTaskSchema } from "../../gen/taskledger/v1/damaged_task_pb.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import type { StoredTask } from "../adapter/adapter.js";
import { describeValue, shorten } from "../core/describe-value.js";
import { isTaskError, TaskError } from "../core/errors.js";
import type { TaskKey } from "../core/keys.js";
import { typeNameOf, typeUrlOf } from "../core/type-url.js";
import { isBytes } from "../core/values.js";
import { isVersionTime, versionToTimestamp } from "../core/version.js";
import { tryDecodingData, undecodable } from "../data/data.js";
import { type DataReader, decodeBody, decodeEnvelope } from "../envelope/decode.js";
import { type FullEnvelope, packData } from "../envelope/envelope.js";
import { copyOf } from "../wire/byte-copies.js";
import { Malformed } from "../wire/fallback.js";
import type { MessageCodec } from "../wire/message-codec.js";
import { OpaqueTask, type Reason } from "./opaque-task.js";
import type { TaskTypeRegistry } from "./registry.js";
import type { Task } from "./task.js";
import { fromEnvelope, meet, type ReadData } from "./task-envelope.js";
import { stateOf, type TaskHome, TaskState } from "./task-state.js";
import { validateTask } from "./validation.js";

/**
 * The task that a store holds under a list and an id. Bytes that are not an envelope of that list and id do not prevent
 * other tasks from being read: they are returned as an OpaqueTask, whose `reason` is INVALID_ENVELOPE and whose data is a
 * DamagedTask.
 */
export function readStoredTask(stored: StoredTask, taskList: string, home: TaskHome, registry: TaskTypeRegistry): Task {
  checkStored(stored);
  const decoder = dataReaderOf(registry);
  const key = { taskList, id: stored.id };
  try {
    const envelope = decodeBody(stored.body, stored.savedAt, decoder);
    checkStoredKey(envelope, key);
    return withVersion(readTask(envelope, home, registry, decoder), stored);
  } catch (error) {
    if (!isTaskError(error, "INVALID_ENVELOPE")) throw error;
    return withVersion(damagedTask(stored, key, home, error), stored);
  }
}

/** A version that no clock can have made stays out of the envelope, which nobody else could read. */
function withVersion(task: Task, { savedAt }: StoredTask): Task {
  const state = stateOf(task);
  if (state.envelope.savedAt && isVersionTime(state.envelope.savedAt)) return task;
  delete state.envelope.savedAt;
  state.oddVersion = savedAt;
  return task;
}

function checkStored(stored: StoredTask): void {
  const { id, savedAt, body } = Object(stored) as Partial<Record<keyof StoredTask, unknown>>;
  if (typeof id === "string" && typeof savedAt === "bigint" && isBytes(body)) return;
  throw new TaskError(
    "UNAVAILABLE",
    `the adapter returned a value that is not a stored task: ${describeValue(stored)}`,
  );
}

function checkStoredKey({ taskList, id }: TaskKey, key: TaskKey): void {
  if (taskList === key.taskList && id === key.id) return;
  const found = `${describeValue(taskList)} and ${describeValue(id)}`;
  throw new TaskError("INVALID_ENVELOPE", `the envelope is of another list and id: ${found}`);
}

function damagedTask({ savedAt, body }: StoredTask, key: TaskKey, home: TaskHome, cause: TaskError): OpaqueTask {
  const value = toBinary(DamagedTaskSchema, create(DamagedTaskSchema, { body }));
  const data = packData(typeUrlOf(DamagedTaskSchema.typeName), value);
  const envelope = create(TaskEnvelopeSchema, { ...key, data, savedAt: versionToTimestamp(savedAt) });
  const message = `the store holds bytes that are no task: ${cause.message}`;
  const reason = new TaskError("INVALID_ENVELOPE", message, { ...key, field: cause.field, cause });
  return opaque(Object.assign(envelope, { data }), home, () => reason);
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
  return readTask(envelope, home, registry, decoder);
}

/** Reads data along with envelopes. If the data is validated afterwards, the bytes of invalid data are kept. */
export function dataReaderOf(registry: TaskTypeRegistry): DataReader | undefined {
  return registry.validation.validateRead ? undefined : new RegistryDecoder(registry);
}

/**
 * The task of an envelope: of its registered class, or opaque if there is none, or if the data does not decode or is invalid.
 * `read` tells what has been read of its data.
 */
export function readTask(
  envelope: FullEnvelope,
  home: TaskHome | undefined,
  registry: TaskTypeRegistry,
  read?: ReadData,
): Task {
  const type = typeNameOf(envelope.data.typeUrl);
  const taskClass = registry.get(type);
  // What reads data along with envelopes has copied that of tasks which become opaque.
  if (taskClass === undefined) return opaque(envelope, home, unknownType, read !== undefined);
  const { schema, codec } = taskClass;
  const { value } = envelope.data;
  const data = tryDecodingData(schema, value, codec, read?.data);
  if (data instanceof Error) return opaque(envelope, home, invalidData(schema, data), read?.data instanceof Malformed);
  try {
    const task = fromEnvelope(taskClass, envelope, home, { data });
    if (registry.validation.validateRead) validateTask(task, registry.validation);
    return task;
  } catch (error) {
    if (!isTaskError(error, "INVALID_DATA")) throw error;
    envelope.data.value = value; // reading takes it away
    return opaque(envelope, home, () => error);
  }
}

/** The user may keep its bytes; they own their buffer. */
function opaque(envelope: FullEnvelope, home: TaskHome | undefined, reason: Reason, isCopied = false): OpaqueTask {
  meet(envelope);
  const { data } = envelope;
  if (!isCopied) data.value = copyOf(data.value, 0, data.value.length);
  return new OpaqueTask(new TaskState(envelope, data, home), reason);
}

function unknownType({ taskList, id, data }: FullEnvelope): TaskError {
  const type = typeNameOf(data.typeUrl);
  return new TaskError("UNKNOWN_TYPE", `${shorten(type)} is not among the types that are known here`, { taskList, id });
}

function invalidData(schema: DescMessage, error: Error): Reason {
  if (!(error instanceof Malformed)) return whyInvalid(schema, error);
  let reason = malformed.get(schema);
  if (reason === undefined) {
    reason = whyInvalid(schema, error);
    malformed.set(schema, reason);
  }
  return reason;
}

/** The reasons that do not depend on the error. */
const malformed = new WeakMap<DescMessage, Reason>();

function whyInvalid(schema: DescMessage, error: Error): Reason {
  return ({ taskList, id, data }) => {
    const { message, field } = undecodable(schema, data.value, error);
    return new TaskError("INVALID_DATA", message, { taskList, id, field });
  };
}

/** Reads the data of every known type along with its envelope. */
class RegistryDecoder implements DataReader {
  data: DataReader["data"] = undefined;
  readonly registry: TaskTypeRegistry;

  constructor(registry: TaskTypeRegistry) {
    this.registry = registry;
  }

  codecOf(typeUrl: string): MessageCodec | undefined {
    return this.registry.get(typeNameOf(typeUrl))?.codec;
  }
}
