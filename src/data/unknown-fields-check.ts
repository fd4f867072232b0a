import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, type WireType } from "@bufbuild/protobuf/wire";
import { describeValue } from "../core/describe-value.js";
import { isBytes, isPlainObject } from "../core/values.js";
import { invalidData } from "./data-errors.js";

interface UnknownField {
  readonly no: number;
  readonly wireType: WireType;
  readonly data: Uint8Array;
}

/**
 * Checks the `$unknown` of a message: fields that the schema does not have, as protobuf-es keeps them. Throws INVALID_DATA
 * for what can't be that. JSON has no bytes, so that nothing out of JSON passes; and fields that the schema does have would
 * take the place of the message's own when it is read.
 */
export function checkUnknownFields(desc: DescMessage, value: unknown, path: string): void {
  if (!Array.isArray(value)) throw invalidData(path, `expected an array, got ${describeValue(value)}`);
  const known = new Set(desc.fields.map(({ number }) => number));
  for (let i = 0; i < value.length; i++) {
    const at = `${path}[${i}]`;
    const field = checkUnknownField(value[i], at);
    const isKept = known.has(field.no) ? isUnknownValue(desc, field) : isOneValue(field);
    if (!isKept) throw invalidData(at, `it is no unknown field of ${desc.typeName}`);
  }
}

function checkUnknownField(value: unknown, path: string): UnknownField {
  if (!isPlainObject(value)) throw invalidData(path, `expected { no, wireType, data }, got ${describeValue(value)}`);
  const { no, wireType, data } = value;
  if (!Number.isInteger(no) || (no as number) < 1 || (no as number) > MAX_FIELD_NUMBER)
    throw invalidData(`${path}.no`, `expected a field's number, got ${describeValue(no)}`);
  if (![0, 1, 2, 3, 5].includes(wireType as number))
    throw invalidData(`${path}.wireType`, `expected a wire type, got ${describeValue(wireType)}`);
  if (!isBytes(data)) throw invalidData(`${path}.data`, `expected a Uint8Array, got ${describeValue(data)}`);
  return value as unknown as UnknownField;
}

const MAX_FIELD_NUMBER = 2 ** 29 - 1;

/** Whether the bytes are one value of their wire type, with no more behind it. */
function isOneValue({ no, wireType, data }: UnknownField): boolean {
  const reader = new BinaryReader(data);
  try {
    return reader.skip(wireType, no).length === data.length;
  } catch {
    return false;
  }
}

/** Whether protobuf-es keeps it as unknown, though the schema has its number: a value that a closed enum does not have. */
function isUnknownValue(desc: DescMessage, { no, wireType, data }: UnknownField): boolean {
  try {
    const { $unknown } = fromBinary(desc, new BinaryWriter().tag(no, wireType).raw(data).finish());
    return $unknown?.length === 1;
  } catch {
    return false;
  }
}
