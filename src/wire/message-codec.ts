import { type Message, protoInt64 } from "@bufbuild/protobuf";
import { catchFallback, type Unsupported } from "./fallback.js";
import { Reader } from "./reader.js";
import { Writer } from "./writer.js";

/** A generated encoder and decoder of a message. Both fall back to protobuf-es, by an error, for what they do not support. */
export interface MessageCodec<M extends Message = Message> {
  /** The full name of the message. */
  readonly typeName: M["$typeName"];
  /** Creates a message in which nothing is set. */
  create(): M;
  /** Writes a message, without its length, at a position; returns the position after it. */
  write(writer: Writer, p: number, message: M): number;
  /** Reads the message that ends at this position; into `message`, if it is given. */
  read(reader: Reader, end: number, message?: M): M;
}

const writer = new Writer();
const reader = new Reader();

/** Whether codecs can't be used: during `encode`, or if an environment variable makes protobuf-es read 64-bit integers as text. */
let isBusy = !protoInt64.supported;

/**
 * The bytes that `write` writes; undefined if protobuf-es has to write them, also during another `encode`, which only an
 * accessor among the values can cause.
 */
export function encode(write: (writer: Writer, p: number) => number): Uint8Array<ArrayBuffer> | undefined {
  return encodeWith(write, undefined);
}

/** The bytes of a message, as protobuf-es writes them; undefined if it has to write them. */
export function encodeMessage<M extends Message>(
  codec: MessageCodec<M>,
  message: M,
): Uint8Array<ArrayBuffer> | undefined {
  return encodeWith(codec.write, message);
}

function encodeWith<T>(
  write: (writer: Writer, p: number, value: T) => number,
  value: T,
): Uint8Array<ArrayBuffer> | undefined {
  if (isBusy) return undefined;
  isBusy = true;
  try {
    const start = writer.start();
    return writer.finish(start, write(writer, start, value));
  } catch (error) {
    catchFallback(error);
    return undefined;
  } finally {
    isBusy = false;
  }
}

/**
 * The message of the bytes between two positions, as protobuf-es reads it; or what keeps its codec from reading it. Undefined if
 * codecs can't be used.
 */
export function decodeMessage<M extends Message>(
  { read }: MessageCodec<M>,
  bytes: Uint8Array,
  first = 0,
  last: number = bytes.length,
): M | Unsupported | undefined {
  if (isBusy) return undefined;
  try {
    reader.start(bytes, first, last);
    const message = read(reader, last);
    reader.finish();
    return message;
  } catch (error) {
    return catchFallback(error);
  } finally {
    reader.stop();
  }
}

/**
 * The result of `read` for all of these bytes; `context` is passed to it. Undefined if protobuf-es has to read them.
 */
export function decode<T, C>(
  bytes: Uint8Array,
  read: (reader: Reader, end: number, context: C) => T,
  context: C,
): T | undefined {
  if (isBusy) return undefined;
  try {
    reader.start(bytes, 0, bytes.length);
    const result = read(reader, bytes.length, context);
    reader.finish();
    return result;
  } catch (error) {
    catchFallback(error);
    return undefined;
  } finally {
    reader.stop();
  }
}
