import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { Edition, FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";

// What codecs support. A message with anything else is left to protobuf-es.

/**
 * With more fields, V8 compiles a codec's functions badly or not at all: from about 400 on it is no faster than protobuf-es,
 * and with 2,000 several times slower.
 */
const MAX_FIELDS = 250;

/** Whether messages of this type are plain objects with all their fields in protobuf-es. */
export function isSupportedMessage({ file, fields }: DescMessage): boolean {
  if (file.edition === Edition.EDITION_PROTO2 || fields.length > MAX_FIELDS) return false;
  // In editions, fields with explicit presence have their defaults on a prototype.
  return file.edition === Edition.EDITION_PROTO3 || !fields.some(isOnPrototype);
}

function isOnPrototype(field: DescField): boolean {
  if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) return true;
  return !isImplicit(field) && field.fieldKind !== "message" && field.oneof === undefined;
}

/** Whether a message always has the field, since the field has no presence. */
export function isImplicit({ presence }: DescField): boolean {
  return presence === FeatureSet_FieldPresence.IMPLICIT;
}

export function isSupportedField(field: DescField): boolean {
  if (field.message) return isSupportedChild(field, field.message);
  if (field.enum) return field.enum.open;
  return field.utf8Validation || !hasText(field);
}

function isSupportedChild(field: DescField, message: DescMessage): boolean {
  return !("delimitedEncoding" in field && field.delimitedEncoding) && !isJson(field) && isSupportedMessage(message);
}

function hasText(field: DescField): boolean {
  return field.scalar === ScalarType.STRING || (field.fieldKind === "map" && field.mapKey === ScalarType.STRING);
}

/** A Struct, which protobuf-es keeps as JSON. */
function isJson({ message, parent }: DescField): boolean {
  return message?.typeName === "google.protobuf.Struct" && parent.typeName !== "google.protobuf.Value";
}

/** A message of google/protobuf/wrappers.proto, which protobuf-es keeps as its only field's value. */
export function isUnwrapped(field: DescField): field is DescField & { fieldKind: "message" } {
  return field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(field.message);
}

/** The messages that the codec of a message calls. */
export function childrenOf({ fields }: DescMessage): DescMessage[] {
  return fields.filter(isSupportedField).flatMap(({ message }) => message ?? []);
}
