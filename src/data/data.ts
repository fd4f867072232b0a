import { create, type DescField, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { type Any, FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { describeValue, messageOf } from "../core/describe-value.js";
import { TaskError } from "../core/errors.js";
import { readFrom } from "../core/read-from.js";
import { isBytes } from "../core/values.js";
import { Malformed, Unsupported } from "../wire/fallback.js";
import { decodeMessage, encodeMessage, type MessageCodec } from "../wire/message-codec.js";
import { checkFields, isMessageLike, membersOf } from "./data-check.js";
import { invalidData } from "./data-errors.js";
import { checkWire } from "./wire-check.js";

/**
 * A task type's data from what a user gave: a message, or an object of its fields. Throws UNKNOWN_FIELD and
 * INVALID_DATA with the field's path, at any depth: protobuf-es alone would drop unknown fields and coerce invalid values.
 */
export function createData(
  schema: DescMessage,
  init: object,
  codec?: MessageCodec,
  besides?: readonly string[],
): Message {
  return readFrom(() => makeData(schema, init, codec, besides), unreadable);
}

/** `besides` are names that may be meant by an unknown key. */
function makeData(
  schema: DescMessage,
  init: object,
  codec: MessageCodec | undefined,
  besides: readonly string[] | undefined,
): Message {
  checkFields(schema, init, besides);
  if (isMessageLike(init as Record<string, unknown>)) return init as Message;
  const message = create(schema, membersOf(schema, init as Record<string, unknown>));
  // protobuf-es adds properties one by one; V8 then keeps a message with many of them as a slow dictionary.
  return codec ? Object.assign(codec.create(), message) : message;
}

function unreadable(reason: string, cause: unknown): TaskError {
  return invalidData("", reason, cause);
}

/** Throws INVALID_DATA if the message has a value that its schema does not allow. */
export function encodeData(schema: DescMessage, data: Message, codec?: MessageCodec): Uint8Array<ArrayBuffer> {
  return (codec && encodeMessage(codec, data)) ?? encodeSlowly(schema, data);
}

function encodeSlowly(schema: DescMessage, data: Message): Uint8Array<ArrayBuffer> {
  readFrom(() => checkFields(schema, data), unreadable);
  try {
    return toBinary(schema, data);
  } catch (cause) {
    throw new TaskError("INVALID_DATA", `${schema.typeName}: ${messageOf(cause)}`, { field: "data", cause });
  }
}

/** The data of an opaque task. Throws INVALID_DATA if it has been replaced by something else. */
export function opaqueBytes({ value }: Any): Uint8Array {
  if (isBytes(value)) return value;
  throw invalidData("value", `expected a Uint8Array, got ${describeValue(value)}`);
}

/**
 * Decodes a message; it does not share memory with the bytes. Throws INVALID_DATA if they are not a message of this type, or
 * one that could not be encoded again.
 */
export function decodeData(schema: DescMessage, bytes: Uint8Array, codec?: MessageCodec, read?: CodecResult): Message {
  const data = tryDecodingData(schema, bytes, codec, read);
  if (data instanceof Error) throw undecodable(schema, bytes, data);
  return data;
}

/** What a codec has made of data. */
export type CodecResult = ReturnType<typeof decodeMessage>;

/**
 * The same, but returns an error that tells that the data does not decode; `undecodable` tells why, which takes longer than
 * reading most tasks.
 */
export function tryDecodingData(
  schema: DescMessage,
  bytes: Uint8Array,
  codec: MessageCodec | undefined,
  read: CodecResult = codec && decodeMessage(codec, bytes),
): Message | Error {
  const isLeft = read === undefined || (read instanceof Unsupported && !(read instanceof Malformed));
  return isLeft ? decodeSlowly(schema, bytes) : read;
}

/** INVALID_DATA for bytes that `tryDecodingData` has refused with this error. */
export function undecodable(schema: DescMessage, bytes: Uint8Array, error: Error): TaskError {
  const refusal = error instanceof Malformed ? decodeSlowly(schema, bytes) : error;
  const cause = refusal instanceof Error ? refusal : error;
  const message = `the data does not decode as ${schema.typeName}: ${cause.message}`;
  return new TaskError("INVALID_DATA", message, { field: "data", cause });
}

/** What is longer is read twice, so that it takes no memory if it can't be read; in bytes. */
const LARGE = 4096;

function decodeSlowly(schema: DescMessage, bytes: Uint8Array): Message | Error {
  const { stackTraceLimit } = Error;
  // An error's stack takes longer to make than a message to decode, and its message alone is of use.
  Reflect.set(Error, "stackTraceLimit", 0);
  try {
    if (bytes.length > LARGE) checkWire(schema, bytes);
    const data = fromBinary(schema, new Uint8Array(bytes));
    if (hasRequiredField(schema)) toBinary(schema, data);
    return data;
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  } finally {
    Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
  }
}

const withRequired = new WeakMap<DescMessage, boolean>();

/** Whether a message, or one inside it, has a field that proto2 requires: protobuf-es reads without it, and fails later. */
function hasRequiredField(schema: DescMessage): boolean {
  let found = withRequired.get(schema);
  if (found === undefined) {
    const isRequired = ({ presence }: DescField) => presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
    found = [...messagesIn(schema, new Set())].some(({ fields }) => fields.some(isRequired));
    withRequired.set(schema, found);
  }
  return found;
}

function messagesIn(schema: DescMessage, found: Set<DescMessage>): Set<DescMessage> {
  if (!found.has(schema)) {
    found.add(schema);
    for (const { message } of schema.fields) if (message) messagesIn(message, found);
  }
  return found;
}
