import { create, type Message, mergeFromBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { adviseOnBytes, expectedBytes, isBatch } from "../core/bytes-advice.js";
import { TaskError } from "../core/errors.js";
import { isBytes } from "../core/values.js";
import { type Version, versionToTimestamp } from "../core/version.js";
import { catchFallback, fallBack } from "../wire/fallback.js";
import { decode, type MessageCodec } from "../wire/message-codec.js";
import { noBytes, type Reader } from "../wire/reader.js";
import { makeSparse } from "../wire/sparse.js";
import { readTimestamp } from "../wire/timestamp.js";
import { checkEnvelope } from "./check.js";
import { checkSize, type FullEnvelope } from "./envelope.js";

// The decoder of taskledger.v1.TaskEnvelope, by hand: it reads the data along with the envelope, from the same bytes.

/**
 * Reads an envelope, unknown fields included. The data is read along with it if `reader` has a codec; otherwise its value
 * may be a part of these bytes: copy it to keep it. Throws TOO_LARGE over `maxBytes`, and INVALID_ENVELOPE with the field
 * that is wrong.
 */
export function decodeEnvelope(bytes: Uint8Array, maxBytes: number, reader?: DataReader): FullEnvelope {
  if (!isBytes(bytes)) throw new TaskError("INVALID_ENVELOPE", expectedBytes(bytes));
  checkSize(bytes.length, maxBytes);
  if (isBatch(bytes))
    throw new TaskError("INVALID_ENVELOPE", "the bytes are not a task but a batch: read it with fromBatch");
  const envelope = decode(bytes, readEnvelope, reader) ?? decodeSlowly(bytes, reader);
  checkEnvelope(envelope, "INVALID_ENVELOPE");
  return envelope;
}

/** Reads what a store keeps: a body, and its version beside it. Throws INVALID_ENVELOPE. */
export function decodeBody(body: Uint8Array, savedAt: Version, reader?: DataReader): FullEnvelope {
  const envelope = decodeEnvelope(body, Infinity, reader);
  envelope.savedAt = versionToTimestamp(savedAt);
  return envelope;
}

function decodeSlowly(bytes: Uint8Array, reader: DataReader | undefined): TaskEnvelope {
  if (reader) {
    reader.message = undefined;
    reader.isRefused = false; // the envelope may have other data than that which was read first
  }
  try {
    // protobuf-es gives views of its input; the task must not change when its sender's buffer is used again.
    return mergeEnvelope(create(TaskEnvelopeSchema), new Uint8Array(bytes));
  } catch (cause) {
    const reason = `the bytes are not a taskledger.v1.TaskEnvelope: ${(cause as Error).message}${adviseOnBytes(bytes)}`;
    throw new TaskError("INVALID_ENVELOPE", reason, { cause });
  }
}

/** Adds to an envelope what protobuf-es reads. Throws what it throws. */
export function mergeEnvelope(envelope: TaskEnvelope, bytes: Uint8Array): TaskEnvelope {
  envelope.headers = makeSparse(envelope.headers);
  mergeFromBinary(TaskEnvelopeSchema, envelope, bytes);
  if (Object.keys(envelope.headers).length === 0) envelope.headers = {};
  return envelope;
}

/** Reads the data of an envelope along with it. */
export interface DataReader {
  /** The codec of data with this type URL, if there is one. */
  codecOf(typeUrl: string): MessageCodec | undefined;
  /** The data, if its codec has read it. The envelope then has no bytes of it. */
  message: Message | undefined;
  /** Whether the codec has left the envelope's data to protobuf-es. */
  isRefused: boolean;
}

/**
 * Reads an envelope, and its data along with it if `reader` has a codec. Otherwise the value of the data is a part of
 * the bytes that are read, not a copy.
 */
export function readEnvelope(r: Reader, end: number, reader: DataReader | undefined): TaskEnvelope {
  const m: TaskEnvelope = { $typeName: "taskledger.v1.TaskEnvelope", taskList: "", id: "", attempt: 0, headers: {} };
  while (r.pos < end)
    switch (r.tag()) {
      case 10:
        m.taskList = r.name(end);
        break;
      case 18:
        m.id = r.string(end);
        break;
      case 26:
        if (m.data !== undefined) fallBack();
        m.data = readAny(r, r.limit(end), reader);
        break;
      case 34:
        if (m.createdAt !== undefined) fallBack();
        m.createdAt = readTimestamp(r, r.limit(end));
        break;
      case 48:
        m.attempt = r.uint32();
        break;
      case 58:
        r.stringEntry(m.headers, end);
        break;
      case 122:
        if (m.savedAt !== undefined) fallBack();
        m.savedAt = readTimestamp(r, r.limit(end));
        break;
      default:
        fallBack();
    }
  r.end(end);
  return m;
}

/** The type comes first, as nearly every writer writes it: it decides how the value is read. */
function readAny(r: Reader, end: number, reader: DataReader | undefined): Any {
  r.expect(10);
  const m: Any = { $typeName: "google.protobuf.Any", typeUrl: r.name(end), value: noBytes };
  if (r.pos < end) readValue(r, end, m, reader);
  r.end(end);
  return m;
}

function readValue(r: Reader, end: number, any: Any, reader: DataReader | undefined): void {
  r.expect(18);
  const start = r.pos;
  const codec = reader?.codecOf(any.typeUrl);
  if (reader && codec) {
    reader.message = tryReading(r, end, codec);
    if (reader.message) return;
    reader.isRefused = true;
  }
  r.pos = start;
  any.value = r.part(end);
}

/** If the codec leaves the data to protobuf-es, the envelope is still read here. */
function tryReading(r: Reader, end: number, codec: MessageCodec): Message | undefined {
  const limit = r.limit(end);
  try {
    return codec.read(r, limit);
  } catch (error) {
    return catchFallback(error);
  } finally {
    r.depth = 0;
  }
}
