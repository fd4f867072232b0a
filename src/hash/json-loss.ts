import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { type Any, anyUnpack, type FieldMask, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { isJsonObjectField, MAX_DEPTH } from "../task/data-check.js";
import { typeNameOf, typeUrlOf } from "../type-url.js";

/**
 * Whether a message would come out of ProtoJSON as another one, or not at all: for fields that the schema does not
 * know, at any depth, also inside an Any; for an Any that was not packed as it would be here; for a negative zero, whose
 * sign `JSON.stringify` drops; for enum values and paths of a field mask that JSON has no form for; for nesting that
 * only an Any allows.
 */
export function losesInJson(schema: DescMessage, message: Message, registry: Registry, depth = 1): boolean {
  if (depth > MAX_DEPTH || message.$unknown?.length) return true;
  if (schema.typeName === "google.protobuf.Any") return anyLoses(message as Any, registry, depth);
  if (schema.typeName === "google.protobuf.FieldMask") return maskLoses(message as FieldMask);
  const loses = (field: DescField) => (value: unknown) => valueLoses(field, value, registry, depth);
  return schema.fields.some((field) => valuesOf(field, message).some(loses(field)));
}

function anyLoses(any: Any, registry: Registry, depth: number): boolean {
  if (any.typeUrl === "") return any.value.length > 0;
  const schema = registry.getMessage(typeNameOf(any.typeUrl));
  if (schema === undefined || any.typeUrl !== typeUrlOf(schema.typeName)) return true;
  try {
    const message = anyUnpack(any, schema) as Message;
    return losesInJson(schema, message, registry, depth + 1) || !areEqual(toBinary(schema, message), any.value);
  } catch {
    return true; // its bytes are no message of its type
  }
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** In JSON, commas part the paths. */
function maskLoses({ paths }: FieldMask): boolean {
  return paths.some((path) => path === "" || path.includes(","));
}

/** The field's values: one, none, or those of a list or map. */
function valuesOf(field: DescField, message: Message): unknown[] {
  const members = message as unknown as Record<string, unknown>;
  if (field.oneof) {
    const oneof = members[field.oneof.localName] as { case: string | undefined; value?: unknown };
    return oneof.case === field.localName ? [oneof.value] : [];
  }
  const value = members[field.localName];
  if (value === undefined) return [];
  if (field.fieldKind === "list") return value as unknown[];
  return field.fieldKind === "map" ? Object.values(value as object) : [value];
}

function valueLoses(field: DescField, value: unknown, registry: Registry, depth: number): boolean {
  if (field.enum) return enumLoses(field.enum, value);
  if (field.message === undefined) return Object.is(value, -0);
  if (isWrapperDesc(field.message) && field.fieldKind === "message" && !field.oneof)
    return depth >= MAX_DEPTH || Object.is(value, -0); // protobuf-es keeps it as its bare value
  if (isJsonObjectField(field)) return structLoses(value, depth + 1);
  return losesInJson(field.message, value as Message, registry, depth + 1);
}

/** JSON has numbers for the unknown values of an open enum only, and one form for all of NullValue. */
function enumLoses(desc: DescEnum, value: unknown): boolean {
  if (desc.open && desc.typeName !== "google.protobuf.NullValue") return false;
  return !desc.values.some(({ number }) => number === value);
}

function structLoses(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return depth > MAX_DEPTH || Object.is(value, -0);
  return Object.values(value).some((element) => structLoses(element, depth + 1));
}
