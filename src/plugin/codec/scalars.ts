import { type DescField, ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";

/** How a value is encoded: its wire type, and the name of the method that reads and writes it. */
interface WireFormat {
  readonly wireType: 0 | 1 | 2 | 5;
  readonly method: string;
}

const formats: Record<ScalarType, WireFormat> = {
  [ScalarType.DOUBLE]: { wireType: 1, method: "double" },
  [ScalarType.FLOAT]: { wireType: 5, method: "float" },
  [ScalarType.INT64]: { wireType: 0, method: "int64" },
  [ScalarType.UINT64]: { wireType: 0, method: "uint64" },
  [ScalarType.INT32]: { wireType: 0, method: "int32" },
  [ScalarType.FIXED64]: { wireType: 1, method: "fixed64" },
  [ScalarType.FIXED32]: { wireType: 5, method: "fixed32" },
  [ScalarType.BOOL]: { wireType: 0, method: "bool" },
  [ScalarType.STRING]: { wireType: 2, method: "string" },
  [ScalarType.BYTES]: { wireType: 2, method: "blob" },
  [ScalarType.UINT32]: { wireType: 0, method: "uint32" },
  [ScalarType.SFIXED32]: { wireType: 5, method: "sfixed32" },
  [ScalarType.SFIXED64]: { wireType: 1, method: "sfixed64" },
  [ScalarType.SINT32]: { wireType: 0, method: "sint32" },
  [ScalarType.SINT64]: { wireType: 0, method: "sint64" },
};

/** The type of a field's values, if they are not messages. */
export function scalarOf(field: DescField): ScalarType {
  return field.enum ? ScalarType.INT32 : (field.scalar as ScalarType);
}

/** The tag of a field that holds one value of this type. */
export function tagOf(number: number, scalar: ScalarType | "message"): number {
  return ((number << 3) | (scalar === "message" ? 2 : formats[scalar].wireType)) >>> 0;
}

/** The tag of several values in one field. */
export function packedTagOf(number: number): number {
  return tagOf(number, "message");
}

/** Whether a value has a length before it. */
export function isDelimited(scalar: ScalarType): boolean {
  return formats[scalar].wireType === 2;
}

export function isLong(scalar: ScalarType): boolean {
  return formats[scalar].method.endsWith("64");
}

/** The call that writes a value with its tag; `tag` is 0 for a value without one. */
export function writeCall(scalar: ScalarType, tag: number, value: Printable, asText: boolean): Printable {
  return [`p = w.${formats[scalar].method}(p, ${tag}, `, asText ? ["w.decimal(", value, ")"] : value, ");"];
}

export function readCall(scalar: ScalarType, asText: boolean): Printable {
  const call = `r.${formats[scalar].method}()`;
  return asText ? `r.text(${call})` : call;
}

/** Whether a 64-bit integer is text, by the option jstype. */
export function isLongAsText(field: DescField): boolean {
  return "longAsString" in field && field.longAsString;
}

/** The condition that a value differs from that of an unset field; negative zero differs. */
export function isNotZero(f: GeneratedFile, field: DescField, value: Printable): Printable {
  const scalar = scalarOf(field);
  if (scalar === ScalarType.BYTES) return ["!w.isEmpty(", value, ")"];
  if (scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT) return ["!w.isZero(", value, ")"];
  return [value, " !== ", zeroOf(f, field)];
}

/** The value of a scalar or an enum that is not set, also in a list or map. */
export function zeroOf(f: GeneratedFile, field: DescField): Printable {
  if (field.enum) return field.enum.values[0]?.number ?? 0;
  return zeroOfScalar(f, field.scalar as ScalarType, isLongAsText(field));
}

export function zeroOfScalar(f: GeneratedFile, scalar: ScalarType, asText = false): Printable {
  if (scalar === ScalarType.STRING) return '""';
  if (scalar === ScalarType.BOOL) return "false";
  if (scalar === ScalarType.BYTES) return f.import("noBytes", "taskledger/wire");
  if (!isLong(scalar)) return "0";
  return asText ? '"0"' : [f.runtime.protoInt64, ".zero"];
}
