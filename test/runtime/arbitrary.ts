import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";

/** Texts with what languages trip over: names of Object.prototype, every plane, controls, none. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "@type", "$typeName", "\ufeff", "e\u0301"),
);

/** Task lists and ids: 1 to 512 bytes of well-formed UTF-8 without NUL. */
export const key: fc.Arbitrary<string> = fc
  .oneof(
    text,
    fc.constantFrom(".", "..", "/", " ", "\n", "\u007f", "\u2028", "\u{10ffff}", "a".repeat(512), "\u00e9".repeat(256)),
  )
  .map((value) => value.replaceAll("\0", "\u0001") || "x");

export interface MessageOptions {
  /** How deep messages nest. */
  readonly depth?: number;
  /** Whether fields that the schema does not know come along. */
  readonly unknown?: boolean;
}

const none: fc.Arbitrary<UnknownField[]> = fc.constant([]);

/** Messages of any schema, with every kind of field and with what a sender of another language may send. */
export function messages<M extends Message = Message>(
  schema: DescMessage,
  { depth = 2, unknown = true }: MessageOptions = {},
): fc.Arbitrary<M> {
  const make = (init: Record<string, unknown>, fields: UnknownField[]) => {
    const message = create(schema, init) as M;
    return fields.length > 0 ? Object.assign(message, { $unknown: fields }) : message;
  };
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const member of schema.members) members[member.localName] = memberOf(member, { depth, unknown });
  const unknowns = unknown ? fc.oneof({ arbitrary: none, weight: 4 }, unknownFields(schema)) : none;
  return fc.tuple(fc.record(members), unknowns).map(([init, fields]) => make(init, fields));
}

interface UnknownField {
  readonly no: number;
  readonly wireType: WireType;
  readonly data: Uint8Array;
}

/** Fields that no version of the schema has, in each wire type. */
export function unknownFields(schema: DescMessage): fc.Arbitrary<UnknownField[]> {
  const no = fc.integer({ min: 1, max: 536_870_911 }).filter((n) => !schema.fields.some(({ number }) => number === n));
  const written = (wireType: WireType, data: fc.Arbitrary<Uint8Array>) =>
    fc.record({ no, wireType: fc.constant(wireType), data });
  const varint = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => new BinaryWriter().uint64(value).finish());
  const bytes = fc.uint8Array({ maxLength: 6 }).map((value) => new BinaryWriter().bytes(value).finish());
  const group = no.chain((inner) =>
    no.map((outer) => ({
      no: outer,
      wireType: WireType.StartGroup,
      data: new BinaryWriter().tag(inner, WireType.Varint).uint32(7).tag(outer, WireType.EndGroup).finish(),
    })),
  );
  const field = fc.oneof(
    written(WireType.Varint, varint),
    written(WireType.LengthDelimited, bytes),
    written(WireType.Bit32, fc.uint8Array({ minLength: 4, maxLength: 4 })),
    written(WireType.Bit64, fc.uint8Array({ minLength: 8, maxLength: 8 })),
    group,
  );
  return fc.array(field, { minLength: 1, maxLength: 3 });
}

function memberOf(member: DescField | DescOneof, options: Required<MessageOptions>): fc.Arbitrary<unknown> {
  if (member.kind === "oneof") {
    const cases = member.fields
      .filter((field) => fits(field, options))
      .map((field) => fc.record({ case: fc.constant(field.localName), value: singular(field, options, true) }));
    return fc.oneof({ arbitrary: absent, weight: Math.max(1, cases.length) }, ...cases);
  }
  const isRequired = member.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
  if (isRequired) return singular(member, options, false);
  return fits(member, options) ? fc.oneof({ arbitrary: absent, weight: 3 }, present(member, options)) : absent;
}

const absent = fc.constant(undefined);

function fits(field: DescField, { depth }: MessageOptions): boolean {
  return field.message === undefined || (depth as number) > 0;
}

function present(field: DescField, options: Required<MessageOptions>): fc.Arbitrary<unknown> {
  if (field.fieldKind === "list") return fc.array(elementOf(field, options), { maxLength: 3 });
  if (field.fieldKind !== "map") return singular(field, options, false);
  return fc.dictionary(mapKey(field.mapKey), elementOf(field, options), { maxKeys: 3 });
}

function elementOf(field: DescField, options: Required<MessageOptions>): fc.Arbitrary<unknown> {
  return singular(field, options, true);
}

function singular(field: DescField, options: Required<MessageOptions>, boxed: boolean): fc.Arbitrary<unknown> {
  if (field.enum) return enumValue(field.enum, field.fieldKind === "enum");
  if (field.message) return messageValue(field, field.message, options, boxed);
  const asText = "longAsString" in field && field.longAsString;
  const value = scalar(field.scalar as ScalarType);
  return asText ? value.map(String) : value;
}

function messageValue(
  field: DescField,
  schema: DescMessage,
  { depth, unknown }: Required<MessageOptions>,
  boxed: boolean,
): fc.Arbitrary<unknown> {
  // protobuf-es drops what wrappers and Structs have beside their fields.
  if (schema.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") return json;
  if (isWrapperDesc(schema))
    return boxed
      ? messages(schema, { depth: 0, unknown: false })
      : scalar((schema.fields[0] as DescField & { scalar: ScalarType }).scalar);
  if (schema.typeName === "google.protobuf.Any") return any(field.parent, depth - 1);
  const below = { depth: depth - 1, unknown };
  if (schema.typeName === "google.protobuf.Timestamp") return fc.oneof(timestamp(schema), messages(schema, below));
  return messages(schema, below);
}

function timestamp(schema: DescMessage): fc.Arbitrary<Message> {
  const seconds = fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n });
  return fc.record({ seconds, nanos: fc.integer({ min: 0, max: 999_999_999 }) }).map((init) => create(schema, init));
}

/** Of the type it is in, of one that nobody knows, or broken; packed by this library or by another. */
function any(known: DescMessage, depth: number): fc.Arbitrary<unknown> {
  const prefix = fc.constantFrom("type.googleapis.com/", "example.com/types/", "");
  const packed = messages(known, { depth }).map((message) => toBinary(known, message));
  return fc.oneof(
    fc.record({ typeUrl: prefix.map((each) => each + known.typeName), value: packed }),
    fc.record({ typeUrl: prefix.map((each) => each + known.typeName), value: fc.uint8Array({ maxLength: 4 }) }),
    fc.record({ typeUrl: prefix.map((each) => `${each}nobody.Knows`), value: fc.uint8Array({ maxLength: 4 }) }),
    fc.record({ typeUrl: fc.constantFrom("", "/"), value: fc.uint8Array({ maxLength: 2 }) }),
  );
}

/** The JSON objects that Structs are kept as. */
const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    text,
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(text, tie("value"), { maxKeys: 3 }),
})).object;

function enumValue(desc: DescEnum, isSingular: boolean): fc.Arbitrary<number> {
  const known = fc.constantFrom(...desc.values.map(({ number }) => number));
  // protobuf-es keeps a closed enum's unknown value as an unknown field, but for lists and maps.
  if (!desc.open && isSingular) return known;
  return fc.oneof(known, fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }));
}

function mapKey(type: ScalarType): fc.Arbitrary<string> {
  return scalar(type).map(String);
}

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 8 });
    case ScalarType.DOUBLE:
      return fc.double();
    case ScalarType.FLOAT:
      return fc.float();
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    default:
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
  }
}
