import type { DescField, DescMessage, Message, Registry } from "@bufbuild/protobuf";
import { type Any, anyUnpack, isWrapperDesc } from "@bufbuild/protobuf/wkt";

/**
 * Whether ProtoJSON of this message would lose something: fields that the schema does not know, at any depth, also
 * inside an Any; or a negative zero, whose sign `JSON.stringify` drops.
 */
export function losesInJson(schema: DescMessage, message: Message, registry: Registry): boolean {
  if (message.$unknown?.length) return true;
  if (schema.typeName === "google.protobuf.Any") return anyLoses(message as Any, registry);
  return schema.fields.some((field) => valuesOf(field, message).some((value) => valueLoses(field, value, registry)));
}

function anyLoses(any: Any, registry: Registry): boolean {
  if (any.typeUrl === "") return any.value.length > 0;
  const schema = registry.getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1));
  const message = schema && anyUnpack(any, schema);
  return schema === undefined || message === undefined || losesInJson(schema, message, registry);
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

function valueLoses(field: DescField, value: unknown, registry: Registry): boolean {
  if (typeof value === "number") return Object.is(value, -0);
  if (field.message === undefined || typeof value !== "object" || value === null) return false;
  if (isWrapperDesc(field.message) && field.fieldKind === "message" && !field.oneof) return false;
  if ("$typeName" in value) return losesInJson(field.message, value as Message, registry);
  return holdsNegativeZero(value); // a Struct, which protobuf-es keeps as a plain object
}

function holdsNegativeZero(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Object.is(value, -0);
  return Object.values(value).some(holdsNegativeZero);
}
