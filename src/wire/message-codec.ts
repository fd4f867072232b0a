import { type Message, protoInt64 } from "@bufbuild/protobuf";
import { catchFallback } from "./fallback.js";
import { Reader } from "./reader.js";
import { Writer } from "./writer.js";

/** A generated encoder and decoder of a message. Both fall back to protobuf-es, by an error, for anything unusual. */
export interface MessageCodec<M extends Message = Message> {
  /** The full name of the message. */
  readonly typeName: M["$typeName"];
  /** Makes a message in which nothing is set. */
  create(): M;
  /** Writes a message without its length from this position on; gives the one after. */
  write(writer: Writer, p: number, message: M): number;
  /** Reads the message that ends at this position. */
  read(reader: Reader, end: number): M;
}

const writer = new Writer();
const reader = new Reader();

/** Where 64-bit integers are no bigints, by an environment variable of protobuf-es, all is left to it. */
let isBusy = !protoInt64.supported;

/**
 * What `write` writes; undefined where it has to be left to protobuf-es, or is called by another `encode`, which only
 * an accessor among the values can do.
 */
export function encode(write: (writer: Writer, p: number) => number): Uint8Array<ArrayBuffer> | undefined {
  return encodeWith(write, undefined);
}

/** The bytes of a message, as protobuf-es writes them; undefined where it has to write them. */
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
    return catchFallback(error);
  } finally {
    isBusy = false;
  }
}

/** The message of these bytes, as protobuf-es reads it; undefined where it has to read them. */
export function decodeMessage<M extends Message>(codec: MessageCodec<M>, bytes: Uint8Array): M | undefined {
  return decode(bytes, codec.read, undefined);
}

/**
 * What `read` reads, from the first of these bytes to the last; it is given `context`. Undefined where it has to be left
 * to protobuf-es.
 */
export function decode<T, C>(
  bytes: Uint8Array,
  read: (reader: Reader, end: number, context: C) => T,
  context: C,
): T | undefined {
  if (isBusy) return undefined;
  try {
    reader.start(bytes, 0);
    return read(reader, bytes.length, context);
  } catch (error) {
    return catchFallback(error);
  } finally {
    reader.stop();
  }
}
