import { toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { noBytes } from "../wire/byte-copies.js";
import { fallBack } from "../wire/fallback.js";
import { encode } from "../wire/message-codec.js";
import { writeTimestamp } from "../wire/timestamp.js";
import type { Writer } from "../wire/writer.js";
import { checkSize } from "./envelope.js";

// The encoder of taskledger.v1.TaskEnvelope, by hand: it writes the data in its place, so that nothing is encoded twice.

/** Writes the bytes of the data from a position on; returns the position after them. */
export type DataWriter = (w: Writer, p: number) => number;

/** Maximum size of `saved_at`, in bytes. */
export const MAX_SAVED_AT_BYTES = 15;

/** Throws TOO_LARGE over `maxBytes`. */
export function encodeEnvelope(envelope: TaskEnvelope, maxBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = encodeEnvelopeWith(envelope, writerOf(envelope)) ?? toBinary(TaskEnvelopeSchema, envelope);
  checkSize(bytes.length, maxBytes, envelope);
  return bytes;
}

/** The bytes of an envelope with other data; undefined if protobuf-es has to write them. */
export function encodeEnvelopeWith(envelope: TaskEnvelope, writeData: DataWriter): Uint8Array<ArrayBuffer> | undefined {
  return encode((w, p) => writeEnvelope(w, p, envelope, writeData));
}

/**
 * The part of an envelope that a store keeps: all but `saved_at`, which the store assigns. Throws TOO_LARGE if the envelope
 * could have more than `maxBytes` once it is saved.
 */
export function encodeBody(envelope: TaskEnvelope, maxBytes: number): Uint8Array<ArrayBuffer> {
  const body = encodeBodyWith(envelope, writerOf(envelope)) ?? encodeBodySlowly(envelope);
  checkSize(body.length + MAX_SAVED_AT_BYTES, maxBytes, envelope);
  return body;
}

/** The body of an envelope with other data; undefined if protobuf-es has to write it. */
export function encodeBodyWith(envelope: TaskEnvelope, writeData: DataWriter): Uint8Array<ArrayBuffer> | undefined {
  return encode((w, p) => writeBody(w, p, envelope, writeData));
}

function encodeBodySlowly({ savedAt: _, ...body }: TaskEnvelope): Uint8Array<ArrayBuffer> {
  return toBinary(TaskEnvelopeSchema, body);
}

/** Writes the data's bytes as they are. */
function writerOf({ data }: TaskEnvelope): DataWriter {
  return (w, p) => w.raw(p, data?.value ?? noBytes);
}

export function writeEnvelope(w: Writer, p: number, envelope: TaskEnvelope, writeData: DataWriter): number {
  const end = writeBody(w, p, envelope, writeData);
  return envelope.savedAt === undefined ? end : writeTime(w, end, 122, envelope.savedAt);
}

/** In the order of the field numbers, as every protobuf library writes them; `saved_at` comes after all of them. */
function writeBody(w: Writer, p: number, envelope: TaskEnvelope, writeData: DataWriter): number {
  const { $unknown, taskList, id, data, createdAt, attempt, headers } = envelope;
  if ($unknown !== undefined || data?.$unknown !== undefined) fallBack();
  let end = p;
  if (taskList !== "") end = w.string(end, 10, taskList);
  if (id !== "") end = w.string(end, 18, id);
  if (data !== undefined) end = writeAny(w, end, data.typeUrl, writeData);
  if (createdAt !== undefined) end = writeTime(w, end, 34, createdAt);
  if (attempt !== 0) end = w.uint32(end, 48, attempt);
  return w.stringMap(end, 58, headers);
}

function writeAny(w: Writer, p: number, typeUrl: string, writeData: DataWriter): number {
  const any = w.fork(p, 26);
  const end = typeUrl === "" ? any : w.string(any, 10, typeUrl);
  return w.join(any, writeValue(w, end, writeData));
}

/** Empty data is written as no field. */
function writeValue(w: Writer, p: number, writeData: DataWriter): number {
  const start = w.fork(p, 18);
  const end = writeData(w, start);
  return end === start ? p : w.join(start, end);
}

function writeTime(w: Writer, p: number, tag: number, time: Timestamp): number {
  const start = w.fork(p, tag);
  return w.join(start, writeTimestamp(w, start, time));
}
