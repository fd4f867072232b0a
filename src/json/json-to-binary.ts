import { type DescField, type DescMessage, type JsonObject, ScalarType } from "@bufbuild/protobuf";
import { shorten } from "../core/describe-value.js";
import { suggestName } from "../core/nearest-name.js";
import { atIndex, atKey, atMember, Problem } from "../core/problem.js";
import { typeNameOf, typeUrlOf } from "../core/type-url.js";
import { noBytes } from "../wire/byte-copies.js";
import { Writer } from "../wire/writer.js";
import { hasNull, leavesOutZero, tagOf, tagWith, takesNull, typeOf } from "./json-field.js";
import { fieldOf, hasAmbiguousNames, isBracketed } from "./json-names.js";
import { expected } from "./json-problem.js";
import { enumOf, isZero, type Scalar, scalarOf, wireTypeOf, writeScalar } from "./json-scalar.js";
import { isJsonObject, type WriteMessage, wellKnownWriter } from "./json-well-known.js";
import { type JsonOptions, JsonWriting } from "./json-writing.js";

/**
 * Encodes the message that a ProtoJSON value stands for, in one pass. No message is created on the way, so that the size
 * of the JSON bounds time and memory. Throws Problem with the path of what is wrong, and TOO_LARGE.
 */
export function jsonToBinary(desc: DescMessage, json: unknown, options: JsonOptions): Uint8Array<ArrayBuffer> {
  return write(options, (writing, p) => writeMessage(writing, p, desc, json));
}

/** The same for the data of an envelope: an Any, with the name of its type. */
export function dataToBinary(desc: DescMessage, json: unknown, options: JsonOptions): Uint8Array<ArrayBuffer> {
  if (!isJsonObject(json)) throw expected("object", json);
  return write(options, (writing, p) => {
    writing.enter(); // the envelope
    writing.enter(); // the Any
    return writeContent(writing, p, desc, json);
  });
}

function write(options: JsonOptions, writeTo: (writing: JsonWriting, p: number) => number): Uint8Array<ArrayBuffer> {
  // It is removed meanwhile: an accessor in the JSON may call this function again.
  const writer = idle ?? new Writer();
  idle = undefined;
  try {
    const start = writer.start();
    return writer.finish(start, writeTo(new JsonWriting(writer, start, options), start));
  } finally {
    writer.bytes = noBytes; // which may be large
    idle = writer;
  }
}

let idle: Writer | undefined;

function writeMessage(writing: JsonWriting, p: number, desc: DescMessage, json: unknown): number {
  writing.enter();
  writing.checkText(p, json);
  const end = writerOf(desc)(writing, p, json);
  writing.leave();
  return end;
}

const writers = new WeakMap<DescMessage, WriteMessage>();

function writerOf(desc: DescMessage): WriteMessage {
  let writer = writers.get(desc);
  if (writer === undefined) {
    writer =
      desc.typeName === "google.protobuf.Any"
        ? writeAny
        : (wellKnownWriter(desc) ?? ((writing, p, json) => writeFields(writing, p, desc, json)));
    writers.set(desc, writer);
  }
  return writer;
}

/** `besides` is a key that is not a field. */
function writeFields(writing: JsonWriting, p: number, desc: DescMessage, json: unknown, besides?: string): number {
  if (!isJsonObject(json)) throw expected("object", json);
  let cases: Map<object, DescField> | undefined;
  let end = p;
  for (const key of Object.keys(json)) {
    if (key === besides) continue;
    try {
      const field = fieldOf(desc, key) ?? extensionOf(writing, desc, key);
      if (field === undefined) checkUnknown(writing, desc, key);
      else if (json[key] !== null || takesNull(field)) {
        checkNames(writing, desc, field, key, json);
        if (field.oneof) cases = addCase(cases, field.oneof, field);
        end = writing.checkSize(writeField(writing, end, field, json[key]));
      }
    } catch (error) {
      throw atMember(key, error);
    }
  }
  return end;
}

function checkUnknown({ options }: JsonWriting, desc: DescMessage, key: string): void {
  if (options.ignoreUnknownFields) return;
  const advice = suggestName(
    key,
    desc.fields.map(({ jsonName }) => jsonName),
  );
  const reason = `${desc.typeName} has no such field; { ignoreUnknownFields: true } passes over it${advice}`;
  throw new Problem(reason);
}

function extensionOf({ options }: JsonWriting, desc: DescMessage, key: string): DescField | undefined {
  const extension = isBracketed(key) ? options.registry.getExtension(key.slice(1, -1)) : undefined;
  return extension?.extendee.typeName === desc.typeName ? (extension as unknown as DescField) : undefined;
}

/** A field may have its name in the .proto file, too, but not both names at once. */
function checkNames(
  { options }: JsonWriting,
  desc: DescMessage,
  field: DescField,
  key: string,
  json: JsonObject,
): void {
  if (options.isStrict && hasAmbiguousNames(desc)) throw new Problem("the key may stand for two fields");
  const { name, jsonName } = field;
  if (key !== name || name === jsonName || !Object.hasOwn(json, jsonName) || fieldOf(desc, jsonName) !== field) return;
  throw new Problem(`the field is set multiple times, by ${jsonName} and ${name}`);
}

/** The fields that have been set of each oneof, with one more. */
function addCase(cases = new Map<object, DescField>(), oneof: object, field: DescField): Map<object, DescField> {
  const other = cases.get(oneof);
  if (other) throw new Problem(`oneof set multiple times by ${other.name} and ${field.name}`);
  return cases.set(oneof, field);
}

function writeField(writing: JsonWriting, p: number, field: DescField, json: unknown): number {
  switch (field.fieldKind) {
    case "list":
      return writeList(writing, p, field, json);
    case "map":
      return writeMap(writing, p, field, json);
    case "message":
      return writeSubmessage(writing, p, field, json);
    default: {
      const value = scalarIn(writing, p, field, json);
      if (value === undefined || (leavesOutZero(field) && isZero(value))) return p;
      return writeScalar(writing.writer, p, tagOf(field), typeOf(field), value);
    }
  }
}

/** Undefined for an enum value that is to be ignored. */
function scalarIn(writing: JsonWriting, p: number, field: DescField, json: unknown): Scalar | undefined {
  writing.checkText(p, json);
  if (field.enum) return enumOf(field.enum, json, writing.options.ignoreUnknownFields);
  return writing.checkNumber(scalarOf(field.scalar as ScalarType, json));
}

function writeSubmessage(
  writing: JsonWriting,
  p: number,
  field: DescField & { readonly message: DescMessage },
  json: unknown,
): number {
  const { writer: w } = writing;
  if ("delimitedEncoding" in field && field.delimitedEncoding) {
    const end = writeMessage(writing, w.tag(p, tagWith(field, 3)), field.message, json);
    return w.tag(end, tagWith(field, 4));
  }
  const start = w.fork(p, tagWith(field, 2));
  return w.join(start, writeMessage(writing, start, field.message, json));
}

function writeList(writing: JsonWriting, p: number, field: DescField & { fieldKind: "list" }, json: unknown): number {
  if (!Array.isArray(json)) throw expected("Array", json);
  const { writer: w } = writing;
  const isPacked = field.packed && json.length > 0;
  const start = isPacked ? w.fork(p, tagWith(field, 2)) : p;
  const tag = isPacked ? 0 : tagOf(field);
  let end = start;
  for (let i = 0; i < json.length; i++)
    try {
      end = writing.checkSize(writeElement(writing, end, field, tag, json[i]));
    } catch (error) {
      throw atIndex(i, error);
    }
  if (!isPacked) return end;
  return end === start ? p : w.join(start, end); // where all are ignored
}

function writeElement(
  writing: JsonWriting,
  p: number,
  field: DescField & { fieldKind: "list" },
  tag: number,
  json: unknown,
): number {
  if (json === null && !hasNull(field)) throw new Problem("a list item must not be null");
  if (field.listKind === "message") return writeSubmessage(writing, p, field, json);
  const value = scalarIn(writing, p, field, json);
  return value === undefined ? p : writeScalar(writing.writer, p, tag, typeOf(field), value);
}

function writeMap(writing: JsonWriting, p: number, field: DescField & { fieldKind: "map" }, json: unknown): number {
  if (!isJsonObject(json)) throw expected("object", json);
  // "1" and "01" are one number.
  const keys = field.mapKey === ScalarType.STRING ? undefined : new Set<Scalar>();
  let end = p;
  for (const key of Object.keys(json))
    try {
      writing.checkText(end, key);
      const mapKey = mapKeyOf(field.mapKey, key);
      if (keys?.has(mapKey)) throw new Problem("the key is there twice");
      keys?.add(mapKey);
      end = writing.checkSize(writeEntry(writing, end, field, mapKey, json[key]));
    } catch (error) {
      throw atKey(key, error);
    }
  return end;
}

function mapKeyOf(type: ScalarType, key: string): Scalar {
  if (type === ScalarType.BOOL) {
    if (key === "true" || key === "false") return key === "true";
    throw expected("true or false for a map key", key);
  }
  try {
    return scalarOf(type, key);
  } catch (error) {
    if (error instanceof Problem) throw new Problem(`invalid map key: ${error.message}`);
    throw error;
  }
}

function writeEntry(
  writing: JsonWriting,
  p: number,
  field: DescField & { fieldKind: "map" },
  key: Scalar,
  json: unknown,
): number {
  const { writer: w } = writing;
  if (json === null && !hasNull(field)) throw new Problem("a map value must not be null");
  const entry = w.fork(p, tagWith(field, 2));
  const at = writeScalar(w, entry, 8 | wireTypeOf(field.mapKey), field.mapKey, key);
  if (field.mapKind === "message") {
    const start = w.fork(at, 18);
    return w.join(entry, w.join(start, writeMessage(writing, start, field.message, json)));
  }
  const value = scalarIn(writing, at, field, json);
  if (value === undefined) return p;
  return w.join(entry, writeScalar(w, at, 16 | wireTypeOf(typeOf(field)), typeOf(field), value));
}

function writeAny(writing: JsonWriting, p: number, json: unknown): number {
  if (!isJsonObject(json)) throw expected("object", json);
  if (Object.keys(json).length === 0) return p;
  const { writer: w, options } = writing;
  const typeName = typeNameIn(json);
  const desc = options.registry.getMessage(typeName);
  if (desc === undefined) throw unknownType(typeName);
  const value = w.string(p, 10, typeUrlOf(typeName));
  const start = w.fork(value, 18);
  const end = writeContent(writing, start, desc, json);
  return end === start ? value : w.join(start, end);
}

function typeNameIn(json: JsonObject): string {
  const typeUrl = json["@type"];
  const typeName = typeof typeUrl === "string" ? typeNameOf(typeUrl) : "";
  if (typeName === "") throw expected("the URL of a type", typeUrl).in('["@type"]');
  return typeName;
}

function unknownType(typeName: string): Problem {
  return new Problem(
    `${shorten(typeName)} is not in the type registry: it must be in a file that the data's file imports`,
  ).in('["@type"]');
}

/** The content of an Any: the fields of a message beside `@type`, or `value` for a type with a JSON form of its own. */
function writeContent(writing: JsonWriting, p: number, desc: DescMessage, json: JsonObject): number {
  if (!hasValue(desc, json)) {
    writing.enter();
    const end = writeFields(writing, p, desc, json, "@type");
    writing.leave();
    return end;
  }
  for (const key of Object.keys(json))
    if (key !== "@type" && key !== "value")
      try {
        checkUnknown(writing, desc, key);
      } catch (error) {
        throw atMember(key, error);
      }
  try {
    return writeMessage(writing, p, desc, json.value);
  } catch (error) {
    throw atMember("value", error);
  }
}

function hasValue(desc: DescMessage, json: JsonObject): boolean {
  const isWellKnown = desc.typeName === "google.protobuf.Any" || wellKnownWriter(desc) !== undefined;
  // Some libraries write `"value": {}` for an Empty, others nothing.
  return isWellKnown || (desc.typeName === "google.protobuf.Empty" && Object.hasOwn(json, "value"));
}
