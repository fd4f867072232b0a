import { create, type DescMessage, fromBinary, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter, base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import type { Any } from "@bufbuild/protobuf/wkt";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { SealedDataSchema } from "../../gen/taskledger/v1/sealed_data_pb.js";
import { checkBoolean, noOptions, readOptions } from "../core/arguments.js";
import { isTask } from "../core/copies.js";
import { describeValue, messageOf, shorten } from "../core/describe-value.js";
import { isTaskError, TaskError } from "../core/errors.js";
import { Problem } from "../core/problem.js";
import { adviseToAwait } from "../core/promises.js";
import { typeNameOf, typeUrlOf } from "../core/type-url.js";
import { isBytes, isPlainObject } from "../core/values.js";
import { checkEnvelope } from "../envelope/check.js";
import { encodeEnvelope } from "../envelope/encode.js";
import { packData } from "../envelope/envelope.js";
import { UNKNOWN_FIELDS_HEADER } from "../envelope/headers.js";
import { dataToBinary, jsonToBinary } from "./json-to-binary.js";
import { jsonTypesOf } from "./json-types.js";

/** A task as a plain object that JSON keeps whole: ProtoJSON of `taskledger.v1.TaskEnvelope`. */
export type TaskHash = JsonObject;

/** `schema` is the schema of the data; undefined if this process does not know it. */
export function envelopeToHash(envelope: TaskEnvelope & { data: Any }, schema: DescMessage | undefined): TaskHash {
  const hashable = unknownFieldsToHeader(envelope);
  const plain = schema && toPlainHash(hashable, schema);
  if (plain) return plain;
  const { withoutExtensions: registry } = jsonTypesOf(SealedDataSchema);
  return toJson(TaskEnvelopeSchema, { ...hashable, data: seal(envelope.data) }, { registry }) as TaskHash;
}

/** Undefined if ProtoJSON would lose or refuse some of the data; found out by reading it back. */
function toPlainHash(envelope: TaskEnvelope & { data: Any }, schema: DescMessage): TaskHash | undefined {
  const { withoutExtensions: registry } = jsonTypesOf(schema);
  try {
    const hash = toJson(TaskEnvelopeSchema, envelope, { registry }) as TaskHash;
    const options = { registry, ignoreUnknownFields: false, isStrict: true, maxBytes: Infinity };
    const { value } = envelope.data;
    return Buffer.compare(dataToBinary(schema, hash.data, options), value) === 0 ? hash : undefined;
  } catch {
    return undefined; // a Timestamp out of range, an Any of a type that the registry lacks, a negative zero …
  }
}

/** Options of `fromHash`. */
export interface FromHashOptions {
  /** Ignores keys that the schema does not have, instead of refusing them. @defaultValue false */
  readonly ignoreUnknownFields?: boolean | undefined;
}

/**
 * Reads a hash. `schemaOf` gives the schemas of the types this process knows. Throws INVALID_HASH with the path of what
 * is wrong, TOO_LARGE where the task would have more than `maxBytes` as bytes, and UNKNOWN_TYPE for plain data of a type
 * it does not know, which JSON alone cannot turn into bytes.
 */
export function hashToEnvelope(
  hash: unknown,
  schemaOf: (typeName: string) => DescMessage | undefined,
  maxBytes: number,
  options: FromHashOptions = noOptions,
): TaskEnvelope & { data: Any } {
  const { ignoreUnknownFields = false } = readOptions(options, { ignoreUnknownFields: true });
  checkBoolean("ignoreUnknownFields", ignoreUnknownFields);
  try {
    return readHash(hash, schemaOf, maxBytes, ignoreUnknownFields);
  } catch (cause) {
    if (isTaskError(cause)) throw cause;
    throw invalidHash(cause);
  }
}

function readHash(
  hash: unknown,
  schemaOf: (typeName: string) => DescMessage | undefined,
  maxBytes: number,
  ignoreUnknownFields: boolean,
): TaskEnvelope & { data: Any } {
  const { typeUrl, sealed } = dataTypeOf(hash);
  const schema = sealed ? SealedDataSchema : schemaOf(typeNameOf(typeUrl));
  if (schema === undefined) throw unknownType(typeNameOf(typeUrl));
  const { all: registry } = jsonTypesOf(schema);
  const options = { registry, ignoreUnknownFields, isStrict: false, maxBytes };
  const bytes = jsonToBinary(TaskEnvelopeSchema, hash, options);
  const envelope = fromBinary(TaskEnvelopeSchema, bytes);
  checkEnvelope(envelope, "INVALID_HASH");
  // The sender's prefix stays.
  envelope.data = sealed ? unseal(envelope.data) : packData(typeUrl, envelope.data.value);
  unknownFieldsFromHeader(envelope);
  checkEnvelope(envelope, "INVALID_HASH");
  // Decoded base64 takes fewer bytes; the prefix of the type may take more.
  if (bytes.length + typeUrl.length > maxBytes) encodeEnvelope(envelope, maxBytes);
  return envelope;
}

/** Anything but a Problem was thrown by an accessor, or by a proxy. */
function invalidHash(cause: unknown): TaskError {
  const path = cause instanceof Problem ? cause.path : "";
  return new TaskError("INVALID_HASH", `${path || "the hash"}: ${messageOf(cause)}`, {
    field: path || undefined,
    cause,
  });
}

function dataTypeOf(hash: unknown): { typeUrl: string; sealed: boolean } {
  if (!isPlainObject(hash) || isTask(hash))
    throw new TaskError(
      "INVALID_HASH",
      `expected the plain object of a task, got ${describeValue(hash)}${adviseOnHash(hash)}`,
    );
  const data = Object.hasOwn(hash, "data") ? hash.data : undefined;
  const typeUrl = typeof data === "object" && data !== null ? (data as Record<string, unknown>)["@type"] : undefined;
  if (typeof typeUrl !== "string" || typeNameOf(typeUrl) === "")
    throw noType(typeUrl, data === undefined ? "; a new task is made of its fields by build" : "");
  return { typeUrl, sealed: typeNameOf(typeUrl) === SealedDataSchema.typeName };
}

function noType(typeUrl: unknown, advice: string): TaskError {
  const field = 'data["@type"]';
  const message = `${field} must name the type of the data; got ${describeValue(typeUrl)}${advice}`;
  return new TaskError("INVALID_HASH", message, { field });
}

/** Advice for a value that is not a hash. */
function adviseOnHash(value: unknown): string {
  if (typeof value === "string") return "; parse it first: JSON.parse(text)";
  if (isBytes(value)) return "; bytes are read by fromBinary";
  return isTask(value) ? "; it is a task already" : adviseToAwait(value);
}

function unknownType(type: string): TaskError {
  const advice = "register it; the bytes of a task (toBinary) can be kept and passed on without";
  return new TaskError(
    "UNKNOWN_TYPE",
    `${shorten(type)} is not among the types known here, so its JSON can't be read: ${advice}`,
    {
      field: 'data["@type"]',
    },
  );
}

function seal({ typeUrl, value }: Any): Any {
  const sealed = create(SealedDataSchema, { typeUrl, value });
  return packData(typeUrlOf(SealedDataSchema.typeName), toBinary(SealedDataSchema, sealed));
}

function unseal({ value }: Any): Any {
  const sealed = fromBinary(SealedDataSchema, value);
  return packData(sealed.typeUrl, sealed.value);
}

function unknownFieldsToHeader(envelope: TaskEnvelope & { data: Any }): TaskEnvelope & { data: Any } {
  if (!envelope.$unknown?.length) return envelope;
  const writer = new BinaryWriter();
  for (const { no, wireType, data } of envelope.$unknown) writer.tag(no, wireType).raw(data);
  const headers = { ...envelope.headers, [UNKNOWN_FIELDS_HEADER]: base64Encode(writer.finish()) };
  return { ...envelope, headers };
}

function unknownFieldsFromHeader(envelope: TaskEnvelope): void {
  const header = envelope.headers[UNKNOWN_FIELDS_HEADER];
  if (header === undefined) return;
  try {
    const { $unknown } = fromBinary(TaskEnvelopeSchema, base64Decode(header));
    if (!$unknown) return;
    envelope.$unknown = $unknown;
    delete envelope.headers[UNKNOWN_FIELDS_HEADER];
  } catch {
    // Somebody else's header, then.
  }
}
