import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, type WireType } from "@bufbuild/protobuf/wire";
import { atIndex, Problem } from "../core/problem.js";
import { isArray, isBytes, isPlainObject } from "../core/values.js";
import { notA } from "./data-errors.js";

interface UnknownField {
  readonly no: number;
  readonly wireType: WireType;
  readonly data: Uint8Array;
}

/**
 * Checks the `$unknown` of a message: fields that the schema does not have, as protobuf-es keeps them. Throws a Problem if it
 * can't be that. JSON has no bytes, so that nothing out of JSON passes; and fields that the schema does have would
 * take the place of the message's own when it is read.
 */
export function checkUnknownFields(desc: DescMessage, value: unknown): void {
  if (!isArray(value)) throw notA("an array", value);
  const known = new Set(desc.fields.map(({ number }) => number));
  for (let i = 0; i < value.length; i++)
    try {
      const field = checkUnknownField(value[i]);
      const isKept = known.has(field.no) ? isUnknownValue(desc, field) : isOneValue(field);
      if (!isKept) throw new Problem(`it is no unknown field of ${desc.typeName}`);
    } catch (error) {
      throw atIndex(i, error);
    }
}

function checkUnknownField(value: unknown): UnknownField {
  if (!isPlainObject(value)) throw notA("{ no, wireType, data }", value);
  const { no, wireType, data } = value;
  if (!Number.isInteger(no) || (no as number) < 1 || (no as number) > MAX_FIELD_NUMBER)
    throw notA("a field's number", no).in("no");
  if (![0, 1, 2, 3, 5].includes(wireType as number)) throw notA("a wire type", wireType).in("wireType");
  if (!isBytes(data)) throw notA("a Uint8Array", data).in("data");
  return value as unknown as UnknownField;
}

const MAX_FIELD_NUMBER = 2 ** 29 - 1;

/** Whether the bytes are exactly one value of their wire type. */
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
