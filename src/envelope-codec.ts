import type { Message } from "@bufbuild/protobuf";
import type { Any, Timestamp } from "@bufbuild/protobuf/wkt";
import type { TaskEnvelope } from "../gen/taskledger/v1/envelope_pb.js";
import { catchFallback, fallBack } from "./wire/fallback.js";
import type { MessageCodec } from "./wire/message-codec.js";
import type { Reader } from "./wire/reader.js";
import { noBytes } from "./wire/reader.js";
import { readTimestamp, writeTimestamp } from "./wire/timestamp.js";
import type { Writer } from "./wire/writer.js";

// The codec of taskledger.v1.TaskEnvelope, by hand: it writes the data in its place, and reads no copy of it.

/** Writes the bytes of the data from a position on; gives the one after. */
export type DataWriter = (w: Writer, p: number) => number;

/** What comes before saved_at, in the order of the field numbers, as protobuf libraries write it. */
export function writeHead(w: Writer, p: number, envelope: TaskEnvelope, writeData: DataWriter): number {
  const { $unknown, taskList, id, data, createdAt } = envelope;
  if ($unknown !== undefined) fallBack();
  let end = p;
  if (taskList !== "") end = w.string(end, 10, taskList);
  if (id !== "") end = w.string(end, 18, id);
  if (data !== undefined) end = writeAny(w, end, data.typeUrl, writeData);
  return createdAt === undefined ? end : writeTime(w, end, 34, createdAt);
}

function writeAny(w: Writer, p: number, typeUrl: string, writeData: DataWriter): number {
  const any = w.fork(p, 26);
  const end = typeUrl === "" ? any : w.string(any, 10, typeUrl);
  return w.join(any, writeValue(w, end, writeData));
}

/** No data is no field. */
function writeValue(w: Writer, p: number, writeData: DataWriter): number {
  const start = w.fork(p, 18);
  const end = writeData(w, start);
  return end === start ? p : w.join(start, end);
}

function writeTime(w: Writer, p: number, tag: number, time: Timestamp): number {
  const start = w.fork(p, tag);
  return w.join(start, writeTimestamp(w, start, time));
}

export function writeSavedAt(w: Writer, p: number, { savedAt }: Pick<TaskEnvelope, "savedAt">): number {
  return savedAt === undefined ? p : writeTime(w, p, 42, savedAt);
}

/** What comes after saved_at. */
export function writeTail(w: Writer, p: number, { attempt, headers }: TaskEnvelope): number {
  return w.stringMap(attempt === 0 ? p : w.uint32(p, 48, attempt), 58, headers);
}

/** What comes out of an envelope beside itself. */
export interface DataReader {
  /** The codec of data with this type URL, if there is one. */
  codecOf(typeUrl: string): MessageCodec | undefined;
  /** The data, where its codec has read it. The envelope then has no bytes of it. */
  message: Message | undefined;
}

/**
 * Reads an envelope, and its data along with it where `reader` has a codec. Otherwise the value of the data is a part of
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
      case 42:
        if (m.savedAt !== undefined) fallBack();
        m.savedAt = readTimestamp(r, r.limit(end));
        break;
      case 48:
        m.attempt = r.uint32();
        break;
      case 58:
        r.stringEntry(m.headers, end);
        break;
      default:
        fallBack();
    }
  r.end(end);
  return m;
}

/** The type comes first, as nearly every writer writes it: by it the value is read. */
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
  if (reader && codec) reader.message = tryReading(r, end, codec);
  if (reader?.message) return;
  r.pos = start;
  any.value = r.part(end);
}

/** Data that its codec leaves to protobuf-es does not take the envelope along. */
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
