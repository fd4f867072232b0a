import {
  type DescEnum,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import {
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
  FloatValueSchema,
  Int32ValueSchema,
  Int64ValueSchema,
  UInt32ValueSchema,
  UInt64ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { suggestName } from "../core/nearest-name.js";
import { Problem } from "../core/problem.js";
import { noBytes } from "../wire/byte-copies.js";
import type { Writer } from "../wire/writer.js";
import { enumNumberOf } from "./json-names.js";
import { expected, readByLibrary } from "./json-problem.js";

/** The value of a field that a JSON value stands for: a string, a boolean, a number, bytes, or a bigint. */
export type Scalar = string | boolean | number | bigint | Uint8Array;

/** Reads the usual forms of JSON values, and leaves the rest to protobuf-es. */
export function scalarOf(type: ScalarType, json: unknown): Scalar {
  switch (type) {
    case ScalarType.STRING:
      return textOf(json);
    case ScalarType.BOOL:
      return typeof json === "boolean" ? json : unusual<boolean>(BoolValueSchema, json);
    case ScalarType.BYTES:
      return json === "" ? noBytes : unusual<Uint8Array>(BytesValueSchema, json);
    case ScalarType.DOUBLE:
      return Number.isFinite(json) ? (json as number) : unusual<number>(DoubleValueSchema, json);
    case ScalarType.FLOAT:
      return typeof json === "number" && Number.isFinite(Math.fround(json))
        ? json
        : unusual<number>(FloatValueSchema, json);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return typeof json === "number" && (json | 0) === json ? json | 0 : unusual<number>(Int32ValueSchema, json);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return typeof json === "number" && json >>> 0 === json ? json >>> 0 : unusual<number>(UInt32ValueSchema, json);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return longOf(json, MIN_INT64, MAX_INT64) ?? unusualLong(Int64ValueSchema, json);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return longOf(json, 0n, MAX_UINT64) ?? unusualLong(UInt64ValueSchema, json);
  }
}

export function textOf(json: unknown): string {
  if (typeof json !== "string") throw expected("string", json);
  if (!json.isWellFormed()) throw new Problem("it holds a lone surrogate: invalid UTF8");
  return json;
}

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** From a string of usual digits, or from an exact number; undefined for anything else. */
function longOf(json: unknown, least: bigint, most: bigint): bigint | undefined {
  if (typeof json === "string" ? !/^-?\d{1,20}$/.test(json) : !Number.isSafeInteger(json)) return undefined;
  const value = BigInt(json as string | number);
  return value >= least && value <= most ? value : undefined;
}

/** A number with more digits does not fit 64 bits; parsing it takes time more than linear in their number. */
const MAX_DIGITS = 100;

function unusualLong(wrapper: DescMessage, json: unknown): bigint {
  if (typeof json === "string" && json.length > MAX_DIGITS) throw expected("a 64-bit integer", json);
  return BigInt(unusual<string | bigint>(wrapper, json)); // a string where protobuf-es does without bigints
}

function unusual<T>(wrapper: DescMessage, json: unknown): T {
  if (json === undefined || json === null) throw expected("a value", json);
  return readByLibrary(() => (fromJson(wrapper, json as JsonValue) as Message & { value: T }).value);
}

/** The number of an enum's value, from its name in JSON; undefined for a name that is to be ignored. */
export function enumOf(desc: DescEnum, json: unknown, ignoreUnknown: boolean): number | undefined {
  if (json === null && desc.typeName === "google.protobuf.NullValue") return 0;
  if (typeof json === "number" && (json | 0) === json && (desc.open || desc.value[json])) return json;
  const number = typeof json === "string" ? enumNumberOf(desc, json) : undefined;
  if (number !== undefined) return number;
  if (ignoreUnknown && typeof json === "string") return undefined;
  const names = desc.values.map(({ name }) => name);
  throw expected(`a value of ${desc.typeName}`, json, typeof json === "string" ? suggestName(json, names) : "");
}

/** Whether a field without presence leaves it out. */
export function isZero(value: Scalar): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === "" || value === false || value === 0n || Object.is(value, 0);
}

/** The wire type of a scalar: varint, 64 bits, with its length before it, 32 bits. */
export function wireTypeOf(type: ScalarType): 0 | 1 | 2 | 5 {
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return 2;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 1;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return 5;
    default:
      return 0;
  }
}

/** Writes a scalar with its tag, 0 for none. */
export function writeScalar(w: Writer, p: number, tag: number, type: ScalarType, value: Scalar): number {
  switch (type) {
    case ScalarType.STRING:
      return w.string(p, tag, value as string);
    case ScalarType.BOOL:
      return w.bool(p, tag, value as boolean);
    case ScalarType.BYTES:
      return w.blob(p, tag, value as Uint8Array);
    case ScalarType.DOUBLE:
      return w.double(p, tag, value as number);
    case ScalarType.FLOAT:
      return w.float(p, tag, value as number);
    case ScalarType.INT32:
      return w.int32(p, tag, value as number);
    case ScalarType.SINT32:
      return w.sint32(p, tag, value as number);
    case ScalarType.SFIXED32:
      return w.sfixed32(p, tag, value as number);
    case ScalarType.UINT32:
      return w.uint32(p, tag, value as number);
    case ScalarType.FIXED32:
      return w.fixed32(p, tag, value as number);
    case ScalarType.INT64:
      return w.int64(p, tag, value as bigint);
    case ScalarType.SINT64:
      return w.sint64(p, tag, value as bigint);
    case ScalarType.SFIXED64:
      return w.sfixed64(p, tag, value as bigint);
    case ScalarType.UINT64:
      return w.uint64(p, tag, value as bigint);
    case ScalarType.FIXED64:
      return w.fixed64(p, tag, value as bigint);
  }
}
