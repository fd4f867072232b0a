import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { wireTypeOf } from "./json-scalar.js";

/** Whether null is a value of this field; for other fields it means that the field is absent. */
export function takesNull(field: DescField): boolean {
  return field.fieldKind !== "list" && field.fieldKind !== "map" && hasNull(field);
}

/** Whether null is a value of the type of a field, or of its elements. */
export function hasNull(field: DescField): boolean {
  const typeName = field.message?.typeName ?? field.enum?.typeName;
  return typeName === "google.protobuf.Value" || typeName === "google.protobuf.NullValue";
}

/** Whether a field is omitted if its value is zero or empty. */
export function leavesOutZero({ presence }: DescField): boolean {
  return presence === FeatureSet_FieldPresence.IMPLICIT;
}

/** How a scalar or the number of an enum's value is written. */
export function typeOf({ scalar }: DescField): ScalarType {
  return scalar ?? ScalarType.INT32;
}

/** The tag of a field that is a scalar or an enum. */
export function tagOf(field: DescField): number {
  return tagWith(field, wireTypeOf(typeOf(field)));
}

export function tagWith({ number }: DescField, wireType: number): number {
  return ((number << 3) | wireType) >>> 0;
}
