import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type MessageInitShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { isTask } from "../core/copies.js";
import { describeValue, shorten } from "../core/describe-value.js";
import { suggestName } from "../core/nearest-name.js";
import { atIndex, atKey, atMember, Problem } from "../core/problem.js";
import { isArray, isPlainObject } from "../core/values.js";
import { adviseOnField, adviseOnList, adviseOnMap, adviseOnMessage, adviseOnWrapper } from "./data-advice.js";
import { notA, toDataError, UnknownName } from "./data-errors.js";
import { checkEnum, checkEnumNumber, checkMapKey, checkScalar } from "./scalar-check.js";
import { checkUnknownFields } from "./unknown-fields-check.js";

const none: readonly string[] = [];

/** Maximum nesting depth that protobuf-es reads. */
export const MAX_DEPTH = 100;

/**
 * Checks the fields of a message, or of an object to create one from, at every depth. Throws UNKNOWN_FIELD for a key
 * that the schema does not have, and INVALID_DATA for a value that its field cannot hold; both name the field's path.
 * `besides` are names that may be meant by a key that the schema does not have.
 *
 * An object with a `$typeName` counts as a message, since messages of protobuf-es have no other mark. JSON may have one, too;
 * it must then have all members of a message, and there is no difference.
 */
export function checkFields(schema: DescMessage, value: unknown, besides: readonly string[] = none): void {
  try {
    checkMessage(schema, value, 1, false, besides);
  } catch (thrown) {
    throw toDataError(thrown);
  }
}

/** Whether a value has the mark of a message. */
export function isMessageLike(value: Record<string, unknown>): boolean {
  return typeof value.$typeName === "string";
}

// Below, `depth` is the depth of the message that contains a value, from 1. `inMessage` tells whether that is a message, and
// not an object to create one from; all messages inside it must then be messages, too.

function checkMessage(
  desc: DescMessage,
  value: unknown,
  depth: number,
  inMessage: boolean,
  besides?: readonly string[],
): void {
  checkDepth(depth);
  if (!isPlainObject(value)) throw notA(desc.typeName, value, adviseOnMessage(desc, value));
  const isMessage = isMessageLike(value);
  if (isMessage && value.$typeName !== desc.typeName) throw anotherMessage(desc, value);
  if (inMessage && !isMessage) throw new Problem("expected a message (create), got a plain object");
  checkKeys(desc, value, isMessage, besides);
  if (isMessage) checkUnknown(desc, value.$unknown);
  // An iterator of each message would take half as much memory as an empty message.
  for (let i = 0; i < desc.members.length; i++)
    checkMember(desc.members[i] as DescField | DescOneof, value, depth, isMessage);
}

function checkMember(
  member: DescField | DescOneof,
  value: Record<string, unknown>,
  depth: number,
  isMessage: boolean,
): void {
  const own = memberOf(value, member.localName);
  if (isMessage ? own === undefined && mayBeAbsent(member) : own == null) return;
  try {
    if (member.kind === "oneof") checkOneof(member, own, depth, isMessage);
    else checkField(member, own, depth, isMessage);
  } catch (error) {
    throw atMember(member.localName, error);
  }
}

function anotherMessage(desc: DescMessage, value: Record<string, unknown>): Problem {
  const reason = `expected ${desc.typeName}, got a message of type ${shorten(value.$typeName as string)}`;
  return new Problem(reason + adviseOnMessage(desc, value));
}

function checkUnknown(desc: DescMessage, fields: unknown): void {
  if (fields === undefined) return;
  try {
    checkUnknownFields(desc, fields);
  } catch (error) {
    throw atMember("$unknown", error);
  }
}

function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) throw new Problem(`it is nested deeper than ${MAX_DEPTH} messages`);
}

/**
 * `create` treats null and undefined as absent. Some members of a message must always be present: otherwise protobuf-es would
 * encode the text "undefined", or fail.
 */
function mayBeAbsent(member: DescField | DescOneof): boolean {
  return member.kind === "field" && member.presence !== FeatureSet_FieldPresence.IMPLICIT;
}

/**
 * The members of an object to create a message from, including accessors of its class. `create` alone would find a function if
 * a field is called toLocaleString.
 */
export function membersOf<S extends DescMessage>(schema: S, init: Record<string, unknown>): MessageInitShape<S> {
  const members: Record<string, unknown> = Object.create(null);
  for (const { localName } of schema.members) {
    const value = memberOf(init, localName);
    if (value !== undefined) members[localName] = value;
  }
  return members as MessageInitShape<S>;
}

/** Messages of proto2 have their defaults on their prototype; members of Object.prototype are not fields. */
function memberOf(value: Record<string, unknown>, name: string): unknown {
  return value[name] === (Object.prototype as unknown as Record<string, unknown>)[name] ? undefined : value[name];
}

const memberNames = new WeakMap<DescMessage, ReadonlySet<string>>();

/** Keys that only messages have. */
const ofMessages: ReadonlySet<string> = new Set(["$typeName", "$unknown"]);

function checkKeys(
  desc: DescMessage,
  value: Record<string, unknown>,
  isMessage: boolean,
  besides: readonly string[] = none,
): void {
  let names = memberNames.get(desc);
  if (names === undefined) {
    names = new Set(desc.members.map((member) => member.localName));
    memberNames.set(desc, names);
  }
  for (const key in value)
    if (!names.has(key) && Object.hasOwn(value, key) && !(isMessage && ofMessages.has(key)))
      throw unknownKey(desc, value, key, besides);
}

function unknownKey(desc: DescMessage, value: object, key: string, besides: readonly string[]): Problem {
  if (isTask(value)) return notA(desc.typeName, value, adviseOnMessage(desc, value));
  const advice = adviseOnField(desc, key, besides);
  return new UnknownName((path) => `${desc.typeName} has no field ${path}${advice}`).in(shorten(key));
}

function checkOneof(oneof: DescOneof, value: unknown, depth: number, inMessage: boolean): void {
  if (!isPlainObject(value)) throw notA("{ case, value }", value);
  const stray = inMessage ? undefined : Object.keys(value).find((key) => key !== "case" && key !== "value");
  if (stray !== undefined) throw strayInOneof(oneof, stray);
  if (value.case === undefined) return;
  const field = oneof.fields.find((other) => other.localName === value.case);
  if (field === undefined) throw unknownCase(oneof, value.case);
  try {
    checkField(field, value.value, depth, inMessage);
  } catch (error) {
    throw atMember("value", error);
  }
}

/** `create` would ignore it. */
function strayInOneof({ localName, fields }: DescOneof, key: string): Problem {
  const isField = fields.some((field) => field.localName === key);
  const advice = isField ? `write ${localName}: { case: "${key}", value: … }` : "it is { case, value }";
  return new UnknownName(() => `a oneof has no ${shorten(key)}; ${advice}`).in(shorten(key));
}

function unknownCase({ fields }: DescOneof, value: unknown): Problem {
  const known = fields.map(({ localName }) => localName);
  const advice = typeof value === "string" ? suggestName(value, known) : "";
  const reason = `has no case ${describeValue(value)}; it has ${shorten(known.join(", "), 400)}${advice}`;
  return new UnknownName((path) => `${path.replace(/\.case$/, "")} ${reason}`).in("case");
}

function checkField(field: DescField, value: unknown, depth: number, inMessage: boolean): void {
  switch (field.fieldKind) {
    case "scalar":
      checkScalar(field.scalar, value);
      break;
    case "enum":
      checkEnum(field.enum, value);
      break;
    case "message":
      checkMessageField(field, value, depth, inMessage);
      break;
    case "list":
      checkList(field, value, depth, inMessage);
      break;
    case "map":
      checkMap(field, value, depth, inMessage);
  }
}

function checkList(field: DescField & { fieldKind: "list" }, value: unknown, depth: number, inMessage: boolean): void {
  if (!isArray(value)) throw notA("an array", value, adviseOnList(value));
  for (let i = 0; i < value.length; i++)
    try {
      checkElement(field, value[i], depth, inMessage);
    } catch (error) {
      throw atIndex(i, error);
    }
}

function checkMap(field: DescField & { fieldKind: "map" }, value: unknown, depth: number, inMessage: boolean): void {
  if (!isPlainObject(value)) throw notA("an object", value, adviseOnMap(value));
  for (const key of Object.keys(value))
    try {
      checkMapKey(field.mapKey, key);
      checkElement(field, value[key], depth, inMessage);
    } catch (error) {
      throw atKey(key, error);
    }
}

function checkElement(
  field: DescField & { fieldKind: "list" | "map" },
  value: unknown,
  depth: number,
  inMessage: boolean,
): void {
  const kind = field.fieldKind === "list" ? field.listKind : field.mapKind;
  if (kind === "scalar") checkScalar(field.scalar as ScalarType, value);
  else if (kind === "enum") checkEnumNumber(field.enum as DescEnum, value);
  else if (isJsonObjectField(field)) checkJsonObject(value, depth + 1);
  else checkMessage(field.message as DescMessage, value, depth + 1, inMessage);
}

function checkMessageField(
  field: DescField & { fieldKind: "message" },
  value: unknown,
  depth: number,
  inMessage: boolean,
): void {
  const desc = field.message;
  // protobuf-es keeps a wrapper as its bare value, and a Struct as a plain object.
  if (isWrapperDesc(desc) && field.oneof === undefined) {
    checkDepth(depth + 1);
    const [{ scalar }] = desc.fields as [DescField & { fieldKind: "scalar" }];
    checkScalar(scalar, value, adviseOnWrapper(value));
  } else if (isJsonObjectField(field)) checkJsonObject(value, depth + 1);
  else checkMessage(desc, value, depth + 1, inMessage);
}

/** A Struct, which protobuf-es keeps as a plain object. */
function isJsonObjectField(field: DescField): boolean {
  return field.message?.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value";
}

/** A google.protobuf.Struct at this depth. */
function checkJsonObject(value: unknown, depth: number): void {
  if (!isPlainObject(value)) throw notA("a JSON object", value, adviseOnMap(value));
  checkDepth(depth);
  for (const key of Object.keys(value))
    try {
      if (!key.isWellFormed()) throw new Problem("the key holds a lone surrogate");
      checkJsonValue(value[key], depth + 1);
    } catch (error) {
      throw atKey(key, error);
    }
}

/** A google.protobuf.Value at this depth. */
function checkJsonValue(value: unknown, depth: number): void {
  checkDepth(depth);
  if (value === null || typeof value === "boolean" || typeof value === "number") return;
  if (typeof value === "string") checkScalar(ScalarType.STRING, value);
  else if (isArray(value)) checkJsonArray(value, depth + 1);
  else if (isPlainObject(value)) checkJsonObject(value, depth + 1);
  else throw notA("a JSON value", value);
}

/** A google.protobuf.ListValue at this depth. */
function checkJsonArray(value: readonly unknown[], depth: number): void {
  checkDepth(depth);
  for (let i = 0; i < value.length; i++)
    try {
      checkJsonValue(value[i], depth + 1);
    } catch (error) {
      throw atIndex(i, error);
    }
}
