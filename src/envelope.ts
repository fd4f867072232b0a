import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Any, type Timestamp, TimestampSchema, timestampDate } from "@bufbuild/protobuf/wkt";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../gen/taskledger/v1/envelope_pb.js";
import { checkEnvelope } from "./envelope-check.js";
import {
  type DataReader,
  type DataWriter,
  readEnvelope,
  writeHead,
  writeSavedAt,
  writeTail,
} from "./envelope-codec.js";
import { describeValue, TaskError } from "./errors.js";
import { compactHeaders } from "./headers.js";
import type { TaskKey } from "./keys.js";
import { timestampToVersion, type Version, versionToTimestamp } from "./version.js";
import { decode, encode } from "./wire/message-codec.js";
import { noBytes } from "./wire/pool.js";

/** The largest envelope, in bytes, unless a data interface is told otherwise: 1 MiB. */
export const DEFAULT_MAX_TASK_BYTES: number = 1024 * 1024;

/** What travels with a task beside its keys and its data. */
export interface Envelope {
  /** When the task was built, by its generator's clock, to the millisecond. */
  readonly createdAt: Date | undefined;
  /** The task's version, microseconds since 1970; undefined until it is saved. */
  readonly savedAt: Version | undefined;
  /** Which attempt this is, from 1; 0 if nobody counts. */
  readonly attempt: number;
  /** Trace context, and whatever the user adds. */
  readonly headers: Record<string, string>;
}

/** What there is to see of an envelope now. The headers are the envelope's own, to be added to. */
export function viewEnvelope(envelope: TaskEnvelope): Envelope {
  // Tasks of a batch share them until they are asked for.
  if (Object.isFrozen(envelope.headers)) envelope.headers = compactHeaders({ ...envelope.headers });
  const { createdAt, attempt, headers } = envelope;
  return { createdAt: createdAt && timestampDate(createdAt), savedAt: savedAtOf(envelope), attempt, headers };
}

export function savedAtOf(envelope: TaskEnvelope): Version | undefined {
  return envelope.savedAt && timestampToVersion(envelope.savedAt);
}

/** A copy that later changes to the original do not reach, at another version. */
export function copyEnvelope(
  envelope: TaskEnvelope,
  data: Any,
  savedAt: Version | undefined,
): TaskEnvelope & { data: Any } {
  const copy = { ...envelope, data, headers: { ...envelope.headers } };
  if (savedAt === undefined) delete copy.savedAt;
  else copy.savedAt = versionToTimestamp(savedAt);
  return copy;
}

export function packData(typeUrl: string, value: Uint8Array): Any {
  return { $typeName: "google.protobuf.Any", typeUrl, value };
}

/** Throws TOO_LARGE over `maxBytes`. */
export function encodeEnvelope(envelope: TaskEnvelope, maxBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = encodeEnvelopeWith(envelope, writerOf(envelope)) ?? toBinary(TaskEnvelopeSchema, envelope);
  return checkSize(bytes, maxBytes, envelope);
}

/** Throws TOO_LARGE over `maxBytes`. */
export function checkSize(bytes: Uint8Array<ArrayBuffer>, maxBytes: number, key: TaskKey): Uint8Array<ArrayBuffer> {
  if (bytes.length > maxBytes) throw tooLarge(bytes.length, maxBytes, key);
  return bytes;
}

/** Writes the data's bytes as they are. */
function writerOf({ data }: TaskEnvelope): DataWriter {
  return (w, p) => w.raw(p, data?.value ?? noBytes);
}

/** The bytes of an envelope with other data; undefined where protobuf-es has to write them. */
export function encodeEnvelopeWith(envelope: TaskEnvelope, writeData: DataWriter): Uint8Array<ArrayBuffer> | undefined {
  return encode((w, p) => writeTail(w, writeSavedAt(w, writeHead(w, p, envelope, writeData), envelope), envelope));
}

/** An envelope that lacks nothing but its version. */
export interface PreparedEnvelope {
  /** The most bytes that it can have. */
  readonly size: number;
  /** Its bytes at a version. */
  readonly encode: (savedAt: Version) => Uint8Array<ArrayBuffer>;
}

/**
 * Encodes an envelope but for its version, which the store will give. Throws TOO_LARGE where the whole could have more
 * than `maxBytes`.
 */
export function prepareEnvelope(envelope: TaskEnvelope, maxBytes: number): PreparedEnvelope {
  const parts = encodePartsWith(envelope, writerOf(envelope)) ?? encodeParts(envelope);
  return joinParts(parts, maxBytes, envelope);
}

/** What comes before saved_at, and what after. */
export interface EnvelopeParts {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** The parts of an envelope with other data; undefined where protobuf-es has to write them. */
export function encodePartsWith(envelope: TaskEnvelope, writeData: DataWriter): EnvelopeParts | undefined {
  const head = encode((w, p) => writeHead(w, p, envelope, writeData));
  const tail = head && encode((w, p) => writeTail(w, p, envelope));
  return tail && { head, tail };
}

/** By protobuf-es, in the order of the field numbers, in which it writes them. */
function encodeParts({ taskList, id, data, createdAt, attempt, headers, $unknown }: TaskEnvelope): EnvelopeParts {
  const head = toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, { taskList, id, data, createdAt }));
  const tail = toBinary(TaskEnvelopeSchema, { ...empty, attempt, headers, $unknown });
  return { head, tail };
}

/** Throws TOO_LARGE where the whole could have more than `maxBytes`. */
export function joinParts({ head, tail }: EnvelopeParts, maxBytes: number, key: TaskKey): PreparedEnvelope {
  const size = head.length + MAX_STAMP_BYTES + tail.length;
  if (size > maxBytes) throw tooLarge(size, maxBytes, key);
  return { size, encode: (savedAt) => encodeSavedAs(head, versionToTimestamp(savedAt), tail) };
}

function encodeSavedAs(head: Uint8Array, savedAt: Timestamp, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = encode((w, p) => w.raw(writeSavedAt(w, w.raw(p, head), { savedAt }), tail));
  if (bytes) return bytes;
  const stamp = toBinary(TaskEnvelopeSchema, { ...empty, savedAt });
  return new Uint8Array(Buffer.concat([head, stamp, tail]));
}

const empty: TaskEnvelope = create(TaskEnvelopeSchema);

/** `saved_at` at its longest: two tags, two lengths or numbers of five and six bytes. */
const MAX_STAMP_BYTES = 15;

/**
 * Reads an envelope, unknown fields included. Throws TOO_LARGE over `maxBytes`, and INVALID_ENVELOPE for what is no
 * envelope, with the field that is wrong. The data is read along with it where `reader` has a codec; otherwise its value
 * may be a part of these bytes: who keeps it copies it.
 */
export function decodeEnvelope(bytes: Uint8Array, maxBytes: number, reader?: DataReader): TaskEnvelope & { data: Any } {
  if (!(bytes instanceof Uint8Array))
    throw new TaskError("INVALID_ENVELOPE", `expected a Uint8Array, got ${describeValue(bytes)}`);
  if (bytes.length > maxBytes) throw tooLarge(bytes.length, maxBytes);
  const envelope = decode(bytes, readEnvelope, reader) ?? decodeSlowly(bytes, reader);
  envelope.headers = compactHeaders(envelope.headers);
  checkEnvelope(envelope, "INVALID_ENVELOPE");
  return envelope;
}

function decodeSlowly(bytes: Uint8Array, reader: DataReader | undefined): TaskEnvelope {
  if (reader) reader.message = undefined;
  try {
    // protobuf-es gives views of its input; the task must not change when its sender's buffer is used again.
    return fromBinary(TaskEnvelopeSchema, new Uint8Array(bytes));
  } catch (cause) {
    const reason = `the bytes are no taskledger.v1.TaskEnvelope: ${(cause as Error).message}`;
    throw new TaskError("INVALID_ENVELOPE", reason, { cause });
  }
}

function tooLarge(size: number, limit: number, key?: TaskKey): TaskError {
  const message = `the task's envelope has ${size} bytes; the limit is ${limit} (maxTaskBytes)`;
  return new TaskError("TOO_LARGE", message, { taskList: key?.taskList, id: key?.id, field: "data" });
}

/** What a store needs to know of an envelope: whose it is, and which version. */
export interface EnvelopeStamp extends TaskKey {
  readonly savedAt: Version;
}

/**
 * Reads the keys and the version of a stored envelope and passes over the rest. Throws INVALID_ENVELOPE where they are
 * missing.
 */
export function readStamp(bytes: Uint8Array): EnvelopeStamp {
  const { taskList, id, savedAt } = decode(bytes, readEnvelope, undefined) ?? readStampFields(bytes);
  const version = savedAt && timestampToVersion(savedAt);
  if (taskList === "" || id === "" || version === undefined)
    throw new TaskError("INVALID_ENVELOPE", "a stored envelope lacks its keys or its version", { taskList, id });
  return { taskList, id, savedAt: version };
}

/** These of an envelope that its codec does not read, whatever is in the others. */
function readStampFields(bytes: Uint8Array): Pick<TaskEnvelope, "taskList" | "id" | "savedAt"> {
  let taskList = "";
  let id = "";
  const savedAt = create(TimestampSchema);
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === 1) taskList = readString(reader, wireType);
      else if (field === 2) id = readString(reader, wireType);
      else if (field === 5) readTimestamp(reader, wireType, savedAt);
      else reader.skip(wireType, field);
    }
  } catch (cause) {
    throw new TaskError("INVALID_ENVELOPE", "a stored envelope does not decode", { taskList, id, cause });
  }
  return { taskList, id, savedAt };
}

function readString(reader: BinaryReader, wireType: WireType): string {
  expectWireType(wireType, WireType.LengthDelimited);
  return reader.string(true);
}

/** Reads into a timestamp what its bytes hold: a message that comes twice is merged. */
function readTimestamp(reader: BinaryReader, wireType: WireType, timestamp: Timestamp): void {
  expectWireType(wireType, WireType.LengthDelimited);
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) {
    const [field, inner] = reader.tag();
    if (field === 1 || field === 2) expectWireType(inner, WireType.Varint);
    if (field === 1) timestamp.seconds = BigInt(reader.int64());
    else if (field === 2) timestamp.nanos = reader.int32();
    else reader.skip(inner, field);
  }
  if (reader.pos !== end) throw new RangeError("a field runs past the end of its message");
}

function expectWireType(actual: WireType, expected: WireType): void {
  if (actual !== expected) throw new TypeError(`expected wire type ${expected}, got ${actual}`);
}
