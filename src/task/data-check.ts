import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type MessageInitShape,
  protoInt64,
  ScalarType,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { describeValue, TaskError } from "../errors.js";
import { isPlainObject } from "../values.js";

/** The deepest nesting that protobuf-es reads back. */
export const MAX_DEPTH = 100;

/**
 * Checks the fields of a message, or of an object to create one from, at every depth. Throws UNKNOWN_FIELD for a key
 * that the schema does not have, and INVALID_DATA for a value that its field cannot hold; both name the field's path.
 */
export function checkFields(schema: DescMessage, value: unknown): void {
  checkMessage(schema, value, "", 1);
}

function checkMessage(desc: DescMessage, value: unknown, path: string, depth: number): void {
  checkDepth(path, depth);
  if (!isPlainObject(value)) throw invalid(path, `expected ${desc.typeName}, got ${describeValue(value)}`);
  const typeName = value.$typeName;
  if (typeName !== undefined && typeName !== desc.typeName)
    throw invalid(path, `expected ${desc.typeName}, got a message of type ${nameOf(typeName)}`);
  checkKeys(desc, value, path);
  for (const member of desc.members) {
    const own = memberOf(value, member.localName);
    if (typeName === undefined ? own == null : own === undefined && mayBeAbsent(member)) continue;
    const at = path === "" ? member.localName : `${path}.${member.localName}`;
    if (member.kind === "oneof") checkOneof(member, own, at, depth);
    else checkField(member, own, at, depth);
  }
}

function nameOf(typeName: unknown): string {
  return typeof typeName === "string" ? typeName : describeValue(typeName);
}

function checkDepth(path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw invalid(path, `it is nested deeper than ${MAX_DEPTH} messages`);
}

/**
 * `create` takes null and undefined for absent. A message has some members always: protobuf-es would encode the text
 * "undefined", or fail.
 */
function mayBeAbsent(member: DescField | DescOneof): boolean {
  return member.kind === "field" && member.presence !== FeatureSet_FieldPresence.IMPLICIT;
}

/**
 * The members of an object to create a message from, also those that its class has as accessors. `create` by itself would
 * find a function where a field is called toLocaleString.
 */
export function membersOf<S extends DescMessage>(schema: S, init: Record<string, unknown>): MessageInitShape<S> {
  const members: Record<string, unknown> = Object.create(null);
  for (const { localName } of schema.members) {
    const value = memberOf(init, localName);
    if (value !== undefined) members[localName] = value;
  }
  return members as MessageInitShape<S>;
}

/** Messages of proto2 have their defaults on their prototype; what Object's has is no field. */
function memberOf(value: Record<string, unknown>, name: string): unknown {
  return value[name] === (Object.prototype as unknown as Record<string, unknown>)[name] ? undefined : value[name];
}

const memberNames = new WeakMap<DescMessage, ReadonlySet<string>>();

function checkKeys(desc: DescMessage, value: Record<string, unknown>, path: string): void {
  let names = memberNames.get(desc);
  if (names === undefined) {
    names = new Set(["$typeName", "$unknown", ...desc.members.map((member) => member.localName)]);
    memberNames.set(desc, names);
  }
  for (const key of Object.keys(value)) if (!names.has(key)) throw unknownField(desc, key, path);
}

function unknownField(desc: DescMessage, key: string, path: string): TaskError {
  const field = path === "" ? key : `${path}.${key}`;
  const inOneof = desc.fields.find((other) => other.localName === key)?.oneof;
  const advice = inOneof && `; it belongs to a oneof: ${inOneof.localName}: { case: "${key}", value: … }`;
  return new TaskError("UNKNOWN_FIELD", `${desc.typeName} has no field ${field}${advice ?? ""}`, { field });
}

function checkOneof(oneof: DescOneof, value: unknown, path: string, depth: number): void {
  if (!isPlainObject(value)) throw invalid(path, `expected { case, value }, got ${describeValue(value)}`);
  if (value.case === undefined) return;
  const field = oneof.fields.find((other) => other.localName === value.case);
  if (field === undefined) {
    const known = oneof.fields.map((other) => other.localName).join(", ");
    const message = `${path} has no case ${describeValue(value.case)}; it has ${known}`;
    throw new TaskError("UNKNOWN_FIELD", message, { field: `${path}.case` });
  }
  checkField(field, value.value, `${path}.value`, depth);
}

function checkField(field: DescField, value: unknown, path: string, depth: number): void {
  switch (field.fieldKind) {
    case "scalar":
      checkScalar(field.scalar, value, path);
      break;
    case "enum":
      checkEnum(field.enum, value, path);
      break;
    case "message":
      checkMessageField(field, value, path, depth);
      break;
    case "list":
      checkList(field, value, path, depth);
      break;
    case "map":
      checkMap(field, value, path, depth);
  }
}

function checkList(field: DescField & { fieldKind: "list" }, value: unknown, path: string, depth: number): void {
  if (!Array.isArray(value)) throw invalid(path, `expected an array, got ${describeValue(value)}`);
  for (let i = 0; i < value.length; i++) checkElement(field, value[i], `${path}[${i}]`, depth);
}

function checkMap(field: DescField & { fieldKind: "map" }, value: unknown, path: string, depth: number): void {
  if (!isPlainObject(value)) throw invalid(path, `expected an object, got ${describeValue(value)}`);
  for (const [key, element] of Object.entries(value)) {
    const at = `${path}[${JSON.stringify(key)}]`;
    checkMapKey(field.mapKey, key, at);
    checkElement(field, element, at, depth);
  }
}

function checkElement(
  field: DescField & { fieldKind: "list" | "map" },
  value: unknown,
  path: string,
  depth: number,
): void {
  const kind = field.fieldKind === "list" ? field.listKind : field.mapKind;
  if (kind === "scalar") checkScalar(field.scalar as ScalarType, value, path);
  else if (kind === "enum") checkEnumNumber(field.enum as DescEnum, value, path);
  else if (isJsonObjectField(field)) checkJsonObject(value, path, depth + 1);
  else checkMessage(field.message as DescMessage, value, path, depth + 1);
}

function checkMessageField(
  field: DescField & { fieldKind: "message" },
  value: unknown,
  path: string,
  depth: number,
): void {
  // protobuf-es keeps a wrapper as its bare value, and a Struct as a plain object.
  if (isWrapperDesc(field.message) && field.oneof === undefined) {
    checkDepth(path, depth + 1);
    const [wrapped] = field.message.fields as [DescField & { fieldKind: "scalar" }];
    checkScalar(wrapped.scalar, value, path);
  } else if (isJsonObjectField(field)) checkJsonObject(value, path, depth + 1);
  else checkMessage(field.message, value, path, depth + 1);
}

/** A Struct, which protobuf-es keeps as a plain object. */
export function isJsonObjectField(field: DescField): boolean {
  return field.message?.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value";
}

/** A google.protobuf.Struct at this depth. */
function checkJsonObject(value: unknown, path: string, depth: number): void {
  if (!isPlainObject(value)) throw invalid(path, `expected a JSON object, got ${describeValue(value)}`);
  checkDepth(path, depth);
  for (const [key, element] of Object.entries(value)) {
    const at = `${path}[${JSON.stringify(key)}]`;
    if (!key.isWellFormed()) throw invalid(at, "the key holds a lone surrogate");
    checkJsonValue(element, at, depth + 1);
  }
}

/** A google.protobuf.Value at this depth. */
function checkJsonValue(value: unknown, path: string, depth: number): void {
  checkDepth(path, depth);
  if (value === null || typeof value === "boolean" || typeof value === "number") return;
  if (typeof value === "string") checkScalar(ScalarType.STRING, value, path);
  else if (isPlainObject(value)) checkJsonObject(value, path, depth + 1);
  else if (Array.isArray(value)) {
    checkDepth(path, depth + 1);
    for (let i = 0; i < value.length; i++) checkJsonValue(value[i], `${path}[${i}]`, depth + 2);
  } else throw invalid(path, `expected a JSON value, got ${describeValue(value)}`);
}

function checkEnum(desc: DescEnum, value: unknown, path: string): void {
  checkEnumNumber(desc, value, path);
  if (!desc.open && !desc.values.some((known) => known.number === value))
    throw invalid(path, `${desc.typeName} has no value ${describeValue(value)}`);
}

/** In lists and maps, protobuf-es also reads those of a closed enum that it does not know. */
function checkEnumNumber(desc: DescEnum, value: unknown, path: string): void {
  if (!isInteger(value, -0x8000_0000, 0x7fff_ffff))
    throw invalid(path, `expected ${desc.typeName}, got ${describeValue(value)}`);
}

function checkMapKey(type: ScalarType, key: string, path: string): void {
  if (type === ScalarType.STRING) checkScalar(type, key, path);
  else if (type === ScalarType.BOOL) {
    if (key !== "true" && key !== "false")
      throw invalid(path, `expected true or false for a key, got ${describeValue(key)}`);
  } else if (!/^-?\d+$/.test(key)) throw invalid(path, `expected a whole number for a key, got ${describeValue(key)}`);
  else checkScalar(type, isLong(type) ? key : Number(key), path);
}

function checkScalar(type: ScalarType, value: unknown, path: string): void {
  if (!scalarFits(type, value)) throw invalid(path, `expected ${scalarNames[type]}, got ${describeValue(value)}`);
  if (type === ScalarType.STRING && !(value as string).isWellFormed()) throw invalid(path, "it holds a lone surrogate");
}

function scalarFits(type: ScalarType, value: unknown): boolean {
  switch (type) {
    case ScalarType.STRING:
      return typeof value === "string";
    case ScalarType.BOOL:
      return typeof value === "boolean";
    case ScalarType.BYTES:
      return value instanceof Uint8Array;
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

/** protobuf-es takes a bigint, a number or a decimal string for a 64-bit integer; and others, such as " " for 0. */
function parses(parse: (value: string | number | bigint) => unknown, value: unknown): boolean {
  if (typeof value === "string" ? !/^-?\d+$/.test(value) : typeof value !== "bigint" && typeof value !== "number")
    return false;
  try {
    parse.call(protoInt64, value as string | number | bigint);
    return true;
  } catch {
    return false;
  }
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

function invalid(path: string, reason: string): TaskError {
  return new TaskError("INVALID_DATA", `${path || "the data"}: ${reason}`, { field: path || "data" });
}
