import { type DescField, type DescMessage, fromJson, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { DurationSchema, FieldMaskSchema, isWrapperDesc, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { atIndex, atKey, Problem } from "../core/problem.js";
import type { Writer } from "../wire/writer.js";
import { expected, readByLibrary } from "./json-problem.js";
import { isZero, scalarOf, textOf, wireTypeOf, writeScalar } from "./json-scalar.js";
import type { JsonWriting } from "./json-writing.js";

/** Writes the message that a JSON value stands for, from a position on; returns the position after it. */
export type WriteMessage = (writing: JsonWriting, p: number, json: unknown) => number;

/** How to write a well-known type that has a JSON form of its own; undefined for other types. An Any contains a message. */
export function wellKnownWriter(desc: DescMessage): WriteMessage | undefined {
  if (isWrapperDesc(desc)) {
    const [field] = desc.fields as [DescField & { fieldKind: "scalar" }];
    return (writing, p, json) => (json === null ? p : writeWrapped(writing, p, field, json));
  }
  return writers[desc.typeName];
}

const writers: Readonly<Record<string, WriteMessage>> = {
  "google.protobuf.Timestamp": ({ writer }, p, json) => {
    const { seconds, nanos } = readByLibrary(() => fromJson(TimestampSchema, textOf(json)));
    return writeTime(writer, p, BigInt(seconds), nanos);
  },
  "google.protobuf.Duration": ({ writer }, p, json) => {
    const text = textOf(json);
    // protobuf-es ignores what follows the s.
    if (!/^-?\d{1,20}(\.\d{1,9})?s$/.test(text)) throw expected('seconds, such as "1.5s"', json);
    const { seconds, nanos } = readByLibrary(() => fromJson(DurationSchema, text));
    return writeTime(writer, p, BigInt(seconds), nanos);
  },
  "google.protobuf.FieldMask": (writing, p, json) => {
    const { paths } = readByLibrary(() => fromJson(FieldMaskSchema, textOf(json)));
    if (writing.options.isStrict && paths.includes("")) throw new Problem("a path is empty");
    return paths.reduce((end, path) => writing.checkSize(writing.writer.string(end, 10, path)), p);
  },
  "google.protobuf.Struct": writeStruct,
  "google.protobuf.Value": writeValue,
  "google.protobuf.ListValue": writeListValue,
};

function writeWrapped(
  writing: JsonWriting,
  p: number,
  field: DescField & { fieldKind: "scalar" },
  json: unknown,
): number {
  const value = writing.checkNumber(scalarOf(field.scalar, json));
  return isZero(value) ? p : writeScalar(writing.writer, p, 8 | wireTypeOf(field.scalar), field.scalar, value);
}

function writeTime(w: Writer, p: number, seconds: bigint, nanos: number): number {
  const end = seconds === 0n ? p : w.int64(p, 8, seconds);
  return nanos === 0 ? end : w.int32(end, 16, nanos);
}

function writeStruct(writing: JsonWriting, p: number, json: unknown): number {
  if (!isJsonObject(json)) throw expected("object", json);
  const { writer: w } = writing;
  let end = p;
  for (const key of Object.keys(json))
    try {
      writing.checkText(end, key);
      const entry = w.fork(end, 10);
      const value = w.string(entry, 10, textOf(key));
      end = writing.checkSize(w.join(entry, writeInside(writing, value, 18, writeValue, json[key])));
    } catch (error) {
      throw atKey(key, error);
    }
  return end;
}

function writeListValue(writing: JsonWriting, p: number, json: unknown): number {
  if (!Array.isArray(json)) throw expected("Array", json);
  let end = p;
  for (let i = 0; i < json.length; i++)
    try {
      end = writing.checkSize(writeInside(writing, end, 10, writeValue, json[i]));
    } catch (error) {
      throw atIndex(i, error);
    }
  return end;
}

function writeValue(writing: JsonWriting, p: number, json: unknown): number {
  writing.checkText(p, json);
  if (Array.isArray(json)) return writeInside(writing, p, 50, writeListValue, json);
  return isJsonObject(json) ? writeInside(writing, p, 42, writeStruct, json) : writePlainValue(writing, p, json);
}

/** Writes a message in a message, with its length. */
function writeInside(writing: JsonWriting, p: number, tag: number, write: WriteMessage, json: unknown): number {
  const { writer: w } = writing;
  const start = w.fork(p, tag);
  writing.enter();
  const end = write(writing, start, json);
  writing.leave();
  return w.join(start, end);
}

function writePlainValue(writing: JsonWriting, p: number, json: unknown): number {
  const { writer: w } = writing;
  if (json === null) return w.int32(p, 8, 0);
  if (typeof json === "number" && Number.isFinite(json)) return w.double(p, 17, writing.checkNumber(json));
  if (typeof json === "string") return writeScalar(w, p, 26, ScalarType.STRING, textOf(json));
  if (typeof json === "boolean") return w.bool(p, 32, json);
  throw expected("a google.protobuf.Value", json);
}

export function isJsonObject(json: unknown): json is { readonly [key: string]: JsonValue } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
