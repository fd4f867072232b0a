import { fromBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { adviseOnBytes, expectedBytes, isBatch } from "../core/bytes-advice.js";
import { TaskError } from "../core/errors.js";
import { isBytes } from "../core/values.js";
import { type Version, versionToTimestamp } from "../core/version.js";
import { copyOf, noBytes } from "../wire/byte-copies.js";
import { Malformed, Unsupported } from "../wire/fallback.js";
import { decode, decodeMessage, type MessageCodec } from "../wire/message-codec.js";
import type { Reader } from "../wire/reader.js";
import { readTimestamp } from "../wire/timestamp.js";
import { checkEnvelope } from "./check.js";
import { checkSize, type FullEnvelope, noHeaders, packData } from "./envelope.js";

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
  const envelope = decodeFields(bytes, reader) ?? decodeSlowly(bytes);
  checkEnvelope(envelope, "INVALID_ENVELOPE");
  return envelope;
}

/** Reads what a store keeps: a body, and its version beside it. Throws INVALID_ENVELOPE. */
export function decodeBody(body: Uint8Array, savedAt: Version, reader?: DataReader): FullEnvelope {
  const envelope = decodeEnvelope(body, Infinity, reader);
  envelope.savedAt = versionToTimestamp(savedAt);
  return envelope;
}

function decodeSlowly(bytes: Uint8Array): TaskEnvelope {
  try {
    // protobuf-es gives views of its input; the task must not change when its sender's buffer is used again.
    const envelope = fromBinary(TaskEnvelopeSchema, new Uint8Array(bytes));
    if (envelope.data) envelope.data.value = new Uint8Array(envelope.data.value);
    return envelope;
  } catch (cause) {
    const reason = `the bytes are not a taskledger.v1.TaskEnvelope: ${(cause as Error).message}${adviseOnBytes(bytes)}`;
    throw new TaskError("INVALID_ENVELOPE", reason, { cause });
  }
}

/** Reads the data of an envelope along with it. */
export interface DataReader {
  /** The codec of data with this type URL, if there is one. */
  codecOf(typeUrl: string): MessageCodec | undefined;
  /** The data, if its codec has read it: the envelope then has no bytes of it. Or what has kept the codec from reading it. */
  data: ReturnType<typeof decodeMessage>;
}

/** The envelope, as protobuf-es reads it; undefined if it has to read it. */
function decodeFields(bytes: Uint8Array, reader: DataReader | undefined): TaskEnvelope | undefined {
  if (reader) reader.data = undefined;
  place.start = place.end = 0;
  const envelope = decode(bytes, readFields, createEnvelope());
  if (envelope && hasData(envelope)) readValue(bytes, envelope, reader);
  return envelope;
}

function hasData(envelope: TaskEnvelope): envelope is FullEnvelope {
  return envelope.data !== undefined;
}

/** Reads an envelope, or adds to one. The value of its data is a part of the bytes, not a copy. */
export function readEnvelope(r: Reader, end: number, m: TaskEnvelope = createEnvelope()): TaskEnvelope {
  place.start = place.end = 0;
  readFields(r, end, m);
  if (m.data && place.end > 0) m.data.value = partOf(r.bytes, place.start, place.end);
  return m;
}

function createEnvelope(): TaskEnvelope {
  return { $typeName: "taskledger.v1.TaskEnvelope", taskList: "", id: "", attempt: 0, headers: noHeaders };
}

/** Where the value of the data stands, in the bytes of the envelope that is being read; its type may come after it. */
export const place = { start: 0, end: 0 };

/** Adds the fields to an envelope, but not the value of its data: only its place is noted. */
export function readFields(r: Reader, end: number, m: TaskEnvelope): TaskEnvelope {
  r.enter();
  while (r.pos < end)
    switch (r.field()) {
      case 1:
        m.taskList = r.name();
        break;
      case 2:
        m.id = r.string();
        break;
      case 3:
        m.data = readAny(r, r.limit(), m.data);
        break;
      case 4:
        m.createdAt = readTimestamp(r, r.limit(), m.createdAt);
        break;
      case 6:
        m.attempt = r.uint32();
        break;
      case 7:
        if (m.headers === noHeaders) m.headers = {};
        r.stringEntry(m.headers);
        break;
      case 15:
        m.savedAt = readTimestamp(r, r.limit(), m.savedAt);
        break;
      default:
        r.unknown(m);
    }
  r.leave();
  return m;
}

function readAny(r: Reader, end: number, m: Any = packData("", noBytes)): Any {
  r.enter();
  while (r.pos < end)
    switch (r.field()) {
      case 1:
        m.typeUrl = r.name();
        break;
      case 2:
        place.end = r.limit();
        place.start = r.pos;
        r.pos = place.end;
        break;
      default:
        r.unknown(m);
    }
  r.leave();
  return m;
}

/**
 * Reads the data whose value was found, if `reader` has a codec; otherwise, or if it can't, the value is given: where `reader` has
 * no codec, or its codec refuses the data, a copy, since the task will be opaque; else a part of the bytes.
 */
export function readValue(bytes: Uint8Array, envelope: FullEnvelope, reader: DataReader | undefined): void {
  const { start, end } = place;
  const { typeUrl } = envelope.data;
  const codec = reader?.codecOf(typeUrl);
  if (reader) reader.data = codec && decodeMessage(codec, bytes, start, end);
  if (reader && (!codec || reader.data instanceof Malformed))
    envelope.data = packData(typeUrl, copyOf(bytes, start, end));
  else if (!reader?.data || reader.data instanceof Unsupported)
    envelope.data = packData(typeUrl, partOf(bytes, start, end));
}

function partOf({ buffer, byteOffset }: Uint8Array, start: number, end: number): Uint8Array {
  return start === end ? noBytes : new Uint8Array(buffer, byteOffset + start, end - start);
}
