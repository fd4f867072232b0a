import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type MessageInitShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { describeValue, shorten } from "../core/describe-value.js";
import { TaskError } from "../core/errors.js";
import { suggestName } from "../core/nearest-name.js";
import { isPlainObject } from "../core/values.js";
import { adviseOnField, adviseOnList, adviseOnMap, adviseOnMessage, adviseOnWrapper } from "./data-advice.js";
import { invalidData, memberPath } from "./data-errors.js";
import { checkEnum, checkEnumNumber, checkMapKey, checkScalar } from "./scalar-check.js";
import { checkUnknownFields } from "./unknown-fields-check.js";

/** The deepest nesting that protobuf-es reads back. */
export const MAX_DEPTH = 100;

/** The message that a field is in. */
interface Parent {
  readonly depth: number;
  /** It says that it is a message, and not an object to create one from; so must those in it, then. */
  readonly isMessage: boolean;
}

/**
 * Checks the fields of a message, or of an object to create one from, at every depth. Throws UNKNOWN_FIELD for a key
 * that the schema does not have, and INVALID_DATA for a value that its field cannot hold; both name the field's path.
 *
 * What has a `$typeName` is taken for a message, since those of protobuf-es have no other mark. JSON may have one, too; it
 * then has to hold all that a message would, in which case there is no difference.
 */
export function checkFields(schema: DescMessage, value: unknown): void {
  checkMessage(schema, value, "", { depth: 0, isMessage: false });
}

/** Whether a value says that it is a message. */
export function isMessageLike(value: Record<string, unknown>): boolean {
  return typeof value.$typeName === "string";
}

function checkMessage(desc: DescMessage, value: unknown, path: string, parent: Parent): void {
  const depth = parent.depth + 1;
  checkDepth(path, depth);
  if (!isPlainObject(value)) throw notA(desc.typeName, path, value, adviseOnMessage(desc, value));
  const isMessage = isMessageLike(value);
  if (isMessage && value.$typeName !== desc.typeName) {
    const reason = `expected ${desc.typeName}, got a message of type ${shorten(value.$typeName as string)}`;
    throw invalidData(path, reason + adviseOnMessage(desc, value));
  }
  if (parent.isMessage && !isMessage) throw invalidData(path, "expected a message (create), got a plain object");
  checkKeys(desc, value, path, isMessage);
  if (isMessage && value.$unknown !== undefined) checkUnknownFields(desc, value.$unknown, memberPath(path, "$unknown"));
  const self = { depth, isMessage };
  for (const member of desc.members) {
    const own = memberOf(value, member.localName);
    if (isMessage ? own === undefined && mayBeAbsent(member) : own == null) continue;
    const at = memberPath(path, member.localName);
    if (member.kind === "oneof") checkOneof(member, own, at, self);
    else checkField(member, own, at, self);
  }
}

function checkDepth(path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw invalidData(path, `it is nested deeper than ${MAX_DEPTH} messages`);
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

/** What only messages have. */
const ofMessages: ReadonlySet<string> = new Set(["$typeName", "$unknown"]);

function checkKeys(desc: DescMessage, value: Record<string, unknown>, path: string, isMessage: boolean): void {
  let names = memberNames.get(desc);
  if (names === undefined) {
    names = new Set(desc.members.map((member) => member.localName));
    memberNames.set(desc, names);
  }
  for (const key of Object.keys(value))
    if (!names.has(key) && !(isMessage && ofMessages.has(key))) throw unknownField(desc, key, path);
}

function unknownField(desc: DescMessage, key: string, path: string): TaskError {
  const field = memberPath(path, shorten(key));
  const advice = adviseOnField(desc, key);
  return new TaskError("UNKNOWN_FIELD", `${desc.typeName} has no field ${field}${advice}`, { field });
}

function checkOneof(oneof: DescOneof, value: unknown, path: string, parent: Parent): void {
  if (!isPlainObject(value)) throw notA("{ case, value }", path, value);
  if (value.case === undefined) return;
  const field = oneof.fields.find((other) => other.localName === value.case);
  if (field === undefined) throw unknownCase(oneof, value.case, path);
  checkField(field, value.value, `${path}.value`, parent);
}

function unknownCase({ fields }: DescOneof, value: unknown, path: string): TaskError {
  const known = fields.map(({ localName }) => localName);
  const advice = typeof value === "string" ? suggestName(value, known) : "";
  const message = `${path} has no case ${describeValue(value)}; it has ${shorten(known.join(", "), 400)}${advice}`;
  return new TaskError("UNKNOWN_FIELD", message, { field: `${path}.case` });
}

function checkField(field: DescField, value: unknown, path: string, parent: Parent): void {
  switch (field.fieldKind) {
    case "scalar":
      checkScalar(field.scalar, value, path);
      break;
    case "enum":
      checkEnum(field.enum, value, path);
      break;
    case "message":
      checkMessageField(field, value, path, parent);
      break;
    case "list":
      checkList(field, value, path, parent);
      break;
    case "map":
      checkMap(field, value, path, parent);
  }
}

function checkList(field: DescField & { fieldKind: "list" }, value: unknown, path: string, parent: Parent): void {
  if (!Array.isArray(value)) throw notA("an array", path, value, adviseOnList(value));
  for (let i = 0; i < value.length; i++) checkElement(field, value[i], `${path}[${i}]`, parent);
}

function checkMap(field: DescField & { fieldKind: "map" }, value: unknown, path: string, parent: Parent): void {
  if (!isPlainObject(value)) throw notA("an object", path, value, adviseOnMap(value));
  for (const [key, element] of Object.entries(value)) {
    const at = keyPath(path, key);
    checkMapKey(field.mapKey, key, at);
    checkElement(field, element, at, parent);
  }
}

function keyPath(path: string, key: string): string {
  return `${path}[${JSON.stringify(shorten(key))}]`;
}

function checkElement(
  field: DescField & { fieldKind: "list" | "map" },
  value: unknown,
  path: string,
  parent: Parent,
): void {
  const kind = field.fieldKind === "list" ? field.listKind : field.mapKind;
  if (kind === "scalar") checkScalar(field.scalar as ScalarType, value, path);
  else if (kind === "enum") checkEnumNumber(field.enum as DescEnum, value, path);
  else if (isJsonObjectField(field)) checkJsonObject(value, path, parent.depth + 1);
  else checkMessage(field.message as DescMessage, value, path, parent);
}

function checkMessageField(
  field: DescField & { fieldKind: "message" },
  value: unknown,
  path: string,
  parent: Parent,
): void {
  const desc = field.message;
  // protobuf-es keeps a wrapper as its bare value, and a Struct as a plain object.
  if (isWrapperDesc(desc) && field.oneof === undefined) {
    checkDepth(path, parent.depth + 1);
    const [{ scalar }] = desc.fields as [DescField & { fieldKind: "scalar" }];
    checkScalar(scalar, value, path, adviseOnWrapper(value));
  } else if (isJsonObjectField(field)) checkJsonObject(value, path, parent.depth + 1);
  else checkMessage(desc, value, path, parent);
}

/** A Struct, which protobuf-es keeps as a plain object. */
export function isJsonObjectField(field: DescField): boolean {
  return field.message?.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value";
}

/** A google.protobuf.Struct at this depth. */
function checkJsonObject(value: unknown, path: string, depth: number): void {
  if (!isPlainObject(value)) throw notA("a JSON object", path, value, adviseOnMap(value));
  checkDepth(path, depth);
  for (const [key, element] of Object.entries(value)) {
    const at = keyPath(path, key);
    if (!key.isWellFormed()) throw invalidData(at, "the key holds a lone surrogate");
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
  } else throw notA("a JSON value", path, value);
}

function notA(expected: string, path: string, value: unknown, advice = ""): TaskError {
  return invalidData(path, `expected ${expected}, got ${describeValue(value)}${advice}`);
}
