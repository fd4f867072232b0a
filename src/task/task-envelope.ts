import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { TaskEnvelope } from "../../gen/taskledger/v1/envelope_pb.js";
import { shorten } from "../core/describe-value.js";
import { isTaskError, TaskError } from "../core/errors.js";
import type { TaskKey } from "../core/keys.js";
import { typeNameOf } from "../core/type-url.js";
import { processClock } from "../core/version.js";
import { decodeData, encodeData, opaqueBytes } from "../data/data.js";
import type { DataReader } from "../envelope/decode.js";
import {
  type DataWriter,
  encodeBody,
  encodeBodyWith,
  encodeEnvelope,
  encodeEnvelopeWith,
  MAX_SAVED_AT_BYTES,
} from "../envelope/encode.js";
import { checkSize, copyEnvelope, type FullEnvelope, packData } from "../envelope/envelope.js";
import { checkHeaders } from "../envelope/headers.js";
import { noBytes } from "../wire/byte-copies.js";
import { fallBack, Unsupported } from "../wire/fallback.js";
import type { MessageCodec } from "../wire/message-codec.js";
import { type AnyTask, stateOf, type TaskHome, TaskState } from "./task-state.js";
import type { TaskClass } from "./task-types.js";

/** A class's constructor accepts a state without the checks that users' input needs. */
export function fromState<C extends TaskClass>(taskClass: C, state: TaskState): InstanceType<C> {
  return new taskClass(state as never) as InstanceType<C>;
}

/** What has been read of an envelope's data. */
export type ReadData = Pick<DataReader, "data">;

/** Reads the data of one class's tasks along with their envelopes. */
export class DataDecoder implements DataReader {
  data: DataReader["data"] = undefined;
  readonly taskClass: TaskClass;

  constructor(taskClass: TaskClass) {
    this.taskClass = taskClass;
  }

  codecOf(typeUrl: string): MessageCodec | undefined {
    const { type, codec } = this.taskClass;
    return codec && typeNameOf(typeUrl) === type ? codec : undefined;
  }
}

/**
 * Creates the task of an envelope, which must not be shared; `read` tells what has been read of its data. Throws
 * TYPE_MISMATCH if the envelope holds another type, INVALID_DATA if the data does not decode.
 */
export function fromEnvelope<C extends TaskClass>(
  taskClass: C,
  envelope: FullEnvelope,
  home: TaskHome | undefined,
  read?: ReadData,
): InstanceType<C> {
  const data = decodeDataOf(envelope, taskClass, read);
  // The decoded message replaces the bytes.
  envelope.data.value = noBytes;
  meet(envelope);
  return fromState(taskClass, new TaskState(envelope, data, home));
}

function decodeDataOf(envelope: FullEnvelope, taskClass: TaskClass, read?: ReadData): Message {
  const { schema, codec } = taskClass;
  // A codec has read it for its type.
  if (read?.data && !(read.data instanceof Unsupported)) return read.data;
  const type = typeNameOf(envelope.data.typeUrl);
  if (type !== taskClass.type) throw typeMismatch(envelope, type, taskClass.type);
  return about(envelope, () => decodeData(schema, envelope.data.value, codec, read?.data));
}

/** The versions that this process makes from now on are later than the envelope's. */
export function meet({ savedAt }: TaskEnvelope): void {
  if (savedAt) processClock.observeTimestamp(savedAt);
}

/** The task's bytes, as it is now. Throws INVALID_DATA, and TOO_LARGE over `maxBytes`. */
export function encodeTask(task: AnyTask, maxBytes: number): Uint8Array<ArrayBuffer> {
  const { envelope } = stateOf(task);
  const bytes = encodeEnvelopeWith(envelope, dataWriterOf(task));
  if (bytes === undefined) return encodeEnvelope(currentEnvelope(task), maxBytes);
  checkSize(bytes.length, maxBytes, envelope);
  return bytes;
}

/** The task as it is now, without its version, which its store assigns. Throws INVALID_DATA, TOO_LARGE. */
export function bodyOf(task: AnyTask, maxBytes: number): Uint8Array<ArrayBuffer> {
  const { envelope } = stateOf(task);
  const body = encodeBodyWith(envelope, dataWriterOf(task));
  if (body === undefined) return encodeBody(currentEnvelope(task), maxBytes);
  checkSize(body.length + MAX_SAVED_AT_BYTES, maxBytes, envelope);
  return body;
}

/** Falls back if the type has no codec. */
function dataWriterOf(task: AnyTask): DataWriter {
  const { data } = stateOf(task);
  const { schema, codec } = classOf(task);
  if (schema === undefined) return (w, p) => w.raw(p, opaqueBytes(data as Any));
  return codec === undefined ? fallBack : (w, p) => codec.write(w, p, data);
}

/** A task's envelope with its data as it is now; it shares nothing mutable. Throws INVALID_DATA. */
export function currentEnvelope(task: AnyTask): FullEnvelope {
  const { envelope } = stateOf(task);
  return copyEnvelope(envelope, packData(envelope.data.typeUrl, currentData(task)));
}

/** The bytes of a task's data as it is now; its headers are checked, too. Throws INVALID_DATA. */
export function currentData(task: AnyTask): Uint8Array {
  const { envelope, data } = stateOf(task);
  const { schema, codec } = classOf(task);
  return about(envelope, () => {
    checkHeaders(envelope.headers);
    return schema ? encodeData(schema, data, codec) : new Uint8Array(opaqueBytes(data as Any));
  });
}

/** Adds a task's list and id to an error about its data. */
function about<T>({ taskList, id }: TaskKey, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!isTaskError(error)) throw error;
    const { code, message, field, cause } = error;
    throw new TaskError(code, message, { taskList, id, field, cause });
  }
}

/** The schema of a task's data; undefined for a task whose type this process does not know. */
export function schemaOf(task: AnyTask): DescMessage | undefined {
  return classOf(task).schema;
}

function classOf(task: AnyTask): Partial<TaskClass> {
  return task.constructor as Partial<TaskClass>;
}

export function typeMismatch({ taskList, id }: TaskKey, type: string, expected: string): TaskError {
  return new TaskError("TYPE_MISMATCH", `the task is of type ${shorten(type)}, not ${expected}`, {
    taskList,
    id,
    field: "data",
  });
}
