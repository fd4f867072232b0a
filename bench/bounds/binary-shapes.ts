import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { field, join, repeat, times } from "../../test/batch/hostile-batches.js";

/** Bytes of a message that cost much for their length: one field, repeated, as short as it can be. */
export interface BinaryShape {
  readonly name: string;
  /** The bytes, of about this length. */
  bytes(length: number): Uint8Array;
}

const none = new Uint8Array();

/** The depth to which fields are tried: a Struct's list of values is four nested messages. */
const DEPTH = 4;

/** The depth to which recursive messages are nested. */
const NESTED = 90;

/**
 * The shapes of every field of a message and of the messages in it: valid, and with an error or something unusual at the very
 * end. A mixture of two shapes costs no more than the worse of them.
 */
export function binaryShapesOf(schema: DescMessage): BinaryShape[] {
  const right = messageShapes(schema, [schema]);
  const deep = schema.fields.find((each) => each.fieldKind === "message" && each.message === schema);
  const nested = deep ? right.map((shape) => nestedShape(deep, shape)) : [];
  return [...right, ...right.map(endingWrong), ...right.map(endingUnusual(schema)), ...nested].map(
    ({ name, bytes }) => ({
      name: `${schema.name}.${name}`,
      bytes,
    }),
  );
}

function messageShapes(schema: DescMessage, within: readonly DescMessage[]): BinaryShape[] {
  return [...schema.fields.flatMap((each) => fieldShapes(each, within)), ...unknownShapes(schema)];
}

function fieldShapes(each: DescField, within: readonly DescMessage[]): BinaryShape[] {
  const elements = elementsOf(each).map(([what, bytes]) => ({
    name: `${each.name}: ${what}, …`,
    bytes: (length: number) => repeat(Math.ceil(length / bytes.length), bytes),
  }));
  const value = each.fieldKind === "map" || each.fieldKind === "enum" ? undefined : each.message;
  const inner = each.fieldKind === "map" ? each.message : value;
  const distinct = each.fieldKind === "map" ? [distinctKeys(each)] : [];
  if (inner === undefined || within.includes(inner) || within.length >= DEPTH) return [...elements, ...distinct];
  const put = (bytes: Uint8Array) =>
    each.fieldKind === "map" ? field(each.number, field(2, bytes)) : field(each.number, bytes);
  const inside = messageShapes(inner, [...within, inner]).map((shape) => ({
    name: `${each.name}.${shape.name}`,
    bytes: (length: number) => put(shape.bytes(length)),
  }));
  return [...elements, ...distinct, ...inside];
}

/** The shortest forms of a field. */
function elementsOf(each: DescField): [what: string, bytes: Uint8Array][] {
  if (each.fieldKind === "map") return [["an empty entry", field(each.number, none)]];
  if (each.message) {
    if (each.delimitedEncoding) return [["an empty group", groupOf(each.number)]];
    return [["an empty message", field(each.number, none)]];
  }
  if (each.scalar === ScalarType.STRING || each.scalar === ScalarType.BYTES)
    return [
      ["an empty text", field(each.number, none)],
      ["a text of two bytes", field(each.number, Uint8Array.of(0xc3, 0xa9))],
    ];
  const { wireType, value } = numberOf(each);
  const single = join(tag(each.number, wireType), value);
  if (each.fieldKind !== "list") return [["a number", single]];
  return [
    ["a number by itself", single],
    ["a packed number by itself", field(each.number, value)],
    ["65,536 packed numbers", field(each.number, repeat(65_536, value))],
  ];
}

function numberOf(each: DescField): { wireType: WireType; value: Uint8Array } {
  switch (each.scalar) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return { wireType: WireType.Bit64, value: new Uint8Array(8).fill(1) };
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return { wireType: WireType.Bit32, value: new Uint8Array(4).fill(1) };
    default:
      return { wireType: WireType.Varint, value: Uint8Array.of(1) };
  }
}

/** Entries with different keys. */
function distinctKeys(each: DescField & { fieldKind: "map" }): BinaryShape {
  const isText = each.mapKey === ScalarType.STRING;
  const entry = (i: number) =>
    field(
      each.number,
      isText
        ? field(1, Buffer.from(i.toString(36)))
        : join(tag(1, WireType.Varint), new BinaryWriter().uint32(i).finish()),
    );
  const isVarint = isText || /^(u?int32|u?int64|sint)/.test(ScalarType[each.mapKey].toLowerCase());
  return {
    name: `${each.name}: entries of keys of their own`,
    bytes: (length) => times(isVarint ? Math.ceil(length / 7) : 2, entry),
  };
}

/** Fields that the schema does not have. */
function unknownShapes(schema: DescMessage): BinaryShape[] {
  return unknownElementsOf(schema).map(([name, bytes]) => ({
    name: `${name}s`,
    bytes: (length) => repeat(Math.ceil(length / bytes.length), bytes),
  }));
}

type Element = [what: string, bytes: Uint8Array];

function unknownElementsOf({ fields }: DescMessage): Element[] {
  const taken = new Set(fields.map(({ number }) => number));
  const free = Array.from({ length: 2000 }, (_, i) => i + 1).find((number) => !taken.has(number)) ?? 2001;
  return [
    ["unknown number", join(tag(free, WireType.Varint), Uint8Array.of(1))],
    ["unknown text", field(free, none)],
    ["unknown group", groupOf(free)],
  ];
}

function endingWrong({ name, bytes }: BinaryShape): BinaryShape {
  return { name: `${name}, the last one wrong`, bytes: (length) => join(bytes(length), Uint8Array.of(0x0a, 9)) };
}

/** With a field that the schema does not have: because of it, the rest must not be read twice. */
function endingUnusual(schema: DescMessage): (shape: BinaryShape) => BinaryShape {
  const [free] = unknownElementsOf(schema) as [Element];
  return ({ name, bytes }) => ({
    name: `${name}, then an ${free[0]}`,
    bytes: (length) => join(bytes(length), free[1]),
  });
}

function nestedShape({ number }: DescField, { name, bytes }: BinaryShape): BinaryShape {
  const nest = (inner: Uint8Array) => {
    for (let i = 0; i < NESTED; i++) inner = field(number, inner);
    return inner;
  };
  return { name: `${name}, ${NESTED} deep`, bytes: (length) => nest(bytes(length)) };
}

function groupOf(number: number): Uint8Array {
  return join(tag(number, WireType.StartGroup), tag(number, WireType.EndGroup));
}

function tag(number: number, wireType: WireType): Uint8Array {
  return new BinaryWriter().tag(number, wireType).finish();
}
