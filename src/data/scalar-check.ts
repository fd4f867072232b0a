import { type DescEnum, protoInt64, ScalarType } from "@bufbuild/protobuf";
import { describeValue } from "../core/describe-value.js";
import { Problem } from "../core/problem.js";
import { isBytes } from "../core/values.js";
import { adviseOnEnum, adviseOnScalar } from "./data-advice.js";
import { notA } from "./data-errors.js";

// Errors are thrown as Problems, which get their path on the way out.

/** Throws, with this advice, if a field of this type can't hold the value. */
export function checkScalar(type: ScalarType, value: unknown, advice = ""): void {
  if (!scalarFits(type, value)) throw notA(scalarNames[type], value, advice || adviseOnScalar(type, value));
  if (type === ScalarType.STRING && !(value as string).isWellFormed()) throw new Problem("it holds a lone surrogate");
}

export function checkEnum(desc: DescEnum, value: unknown): void {
  checkEnumNumber(desc, value);
  if (!desc.open && !desc.values.some((known) => known.number === value))
    throw new Problem(`${desc.typeName} has no value ${describeValue(value)}`);
}

/** In lists and maps, protobuf-es also keeps unknown values of a closed enum. */
export function checkEnumNumber(desc: DescEnum, value: unknown): void {
  if (!isInteger(value, -0x8000_0000, 0x7fff_ffff)) throw notA(desc.typeName, value, adviseOnEnum(desc, value));
}

export function checkMapKey(type: ScalarType, key: string): void {
  if (type === ScalarType.STRING) checkScalar(type, key);
  else if (type === ScalarType.BOOL) {
    if (key !== "true" && key !== "false") throw notA("true or false for a key", key);
  } else if (!/^-?\d+$/.test(key)) throw notA("a whole number for a key", key);
  else checkScalar(type, isLong(type) ? key : Number(key));
}

/** Whether a message's field of this type can hold the value. */
export function scalarFits(type: ScalarType, value: unknown): boolean {
  switch (type) {
    case ScalarType.STRING:
      return typeof value === "string";
    case ScalarType.BOOL:
      return typeof value === "boolean";
    case ScalarType.BYTES:
      return isBytes(value);
    case ScalarType.DOUBLE:
      return typeof value === "number";
    case ScalarType.FLOAT:
      return typeof value === "number" && (Math.abs(value) <= MAX_FLOAT || !Number.isFinite(value));
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return isInteger(value, -0x8000_0000, 0x7fff_ffff);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return isInteger(value, 0, 0xffff_ffff);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return parses(protoInt64.parse, value);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return parses(protoInt64.uParse, value);
  }
}

function isLong(type: ScalarType): boolean {
  return scalarNames[type] === int64 || scalarNames[type] === uint64;
}

function isInteger(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

/** The largest that protobuf-es writes. */
const MAX_FLOAT = 3.4028234663852886e38;

/** protobuf-es accepts a bigint, a number or a decimal string as a 64-bit integer, and also others, such as " " as 0. */
function parses(parse: (value: string | number | bigint) => unknown, value: unknown): boolean {
  if (typeof value === "string" ? !isDecimal(value) : typeof value !== "bigint" && typeof value !== "number")
    return false;
  try {
    parse.call(protoInt64, value as string | number | bigint);
    return true;
  } catch {
    return false;
  }
}

/** Parsing takes time quadratic in the number of digits; a 64-bit integer has no more than this. */
const MAX_DIGITS = 100;

function isDecimal(text: string): boolean {
  return text.length <= MAX_DIGITS && /^-?\d+$/.test(text);
}

const int32 = "a 32-bit integer";
const uint32 = "an unsigned 32-bit integer";
const int64 = "a bigint (64-bit integer)";
const uint64 = "a bigint (unsigned 64-bit integer)";

const scalarNames: Record<ScalarType, string> = {
  [ScalarType.STRING]: "a string",
  [ScalarType.BOOL]: "a boolean",
  [ScalarType.BYTES]: "a Uint8Array",
  [ScalarType.DOUBLE]: "a number",
  [ScalarType.FLOAT]: "a number that a 32-bit float can hold",
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
};
