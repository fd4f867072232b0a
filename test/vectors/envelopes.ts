import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type Any, AnySchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type EveryKind_Color, EveryKindSchema } from "../../gen/example/v1/every_kind_pb.js";
import { FetchFileSchema } from "../../gen/example/v1/fetch_file_pb.js";
import { SendMailSchema } from "../../gen/example/v1/send_mail_pb.js";
import { CompositeSchema } from "../../gen/taskledger/v1/composite_pb.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";

/** Envelopes by name, in bytes. What they have in common is here. */
export const key = { taskList: "datto.com", id: "file1" };

export function pack(typeName: string, value: Uint8Array, prefix = "type.googleapis.com/"): Any {
  return create(AnySchema, { typeUrl: `${prefix}${typeName}`, value });
}

export function everyKind(init: MessageInitShape<typeof EveryKindSchema>): Any {
  return pack("example.v1.EveryKind", toBinary(EveryKindSchema, create(EveryKindSchema, init)));
}

export function fetchFile(init: MessageInitShape<typeof FetchFileSchema>): Any {
  return pack("example.v1.FetchFile", toBinary(FetchFileSchema, create(FetchFileSchema, init)));
}

export const small: Any = fetchFile({ externalHost: "datto.com", filename: "file1.txt" });

export function envelope(init: MessageInitShape<typeof TaskEnvelopeSchema>): Uint8Array {
  return toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, { ...key, data: small, ...init }));
}

export function timestamp(seconds: bigint, nanos = 0) {
  return create(TimestampSchema, { seconds, nanos });
}

/** The fields of a message that this schema does not know: field 900 is a number, 901 a text. */
export function unknownFields(): Uint8Array {
  return new BinaryWriter().tag(900, 0).uint32(7).tag(901, 2).string("newer").finish();
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const kinds: Record<string, MessageInitShape<typeof EveryKindSchema>> = {
  "no field": {},
  "the largest of most numbers": {
    double: 1.7976931348623157e308,
    float: 16_777_215,
    int32: 2 ** 31 - 1,
    int64: 2n ** 63n - 1n,
    uint32: 2 ** 32 - 1,
    uint64: 2n ** 64n - 1n,
    sint32: 2 ** 31 - 1,
    sint64: 2n ** 63n - 1n,
    fixed32: 2 ** 32 - 1,
    fixed64: 2n ** 64n - 1n,
    sfixed32: 2 ** 31 - 1,
    sfixed64: 2n ** 63n - 1n,
  },
  "the smallest of most numbers": {
    double: 5e-324,
    float: -(2 ** -10),
    int32: -(2 ** 31),
    int64: -(2n ** 63n),
    sint32: -(2 ** 31),
    sint64: -(2n ** 63n),
    sfixed32: -(2 ** 31),
    sfixed64: -(2n ** 63n),
  },
  "integers that a double can't hold": { int64: 9_007_199_254_740_993n, uint64: 18_446_744_073_709_551_557n },
  infinities: {
    double: Number.POSITIVE_INFINITY,
    float: Number.NEGATIVE_INFINITY,
    doubles: [Number.NEGATIVE_INFINITY, 0.1],
  },
  "true, and bytes of every kind": { bool: true, blob: Uint8Array.of(0, 1, 0x7f, 0x80, 0xfb, 0xff) },
  "text beyond the first plane": { text: 'a😀\u{10ffff}\uffff "\\ \u0000 \u2028 é e\u0301' },
  "an enum value": { color: 1 },
  "a negative enum value": { color: -2, colors: [1, -2, 0] },
  "an enum value that the schema does not know": { color: 7 as EveryKind_Color, colors: [7 as EveryKind_Color] },
  "a message in a message": { child: { child: { text: "inner" } } },
  "an empty message in a message": { child: {} },
  "default values that are present": {
    optionalInt64: 0n,
    optionalBool: false,
    optionalText: "",
    optionalBlob: new Uint8Array(),
    optionalColor: 0,
  },
  "other values that are present": { optionalInt64: -1n, optionalBool: true, optionalText: "x", optionalColor: -2 },
  "lists of numbers": { int32s: [0, -1, 2], uint64s: [0n, 2n ** 64n - 1n], doubles: [0, 1.5, -1e21] },
  "lists with empty elements": { texts: ["", "a", ""], blobs: [new Uint8Array(), Uint8Array.of(1)], children: [{}] },
  "a map of texts": { textByText: { a: "1", b: "", c: "3" } },
  "a map with an empty key": { textByText: { "": "" } },
  "maps of other keys": {
    blobByInt32: { "-1": new Uint8Array() },
    int64ByUint64: { "18446744073709551615": -1n },
    colorByBool: { true: -2 },
    childByText: { x: { text: "child" } },
  },
  "an Any of its own type": { any: everyKind({ text: "inside" }) },
  "an Any of a type that its file imports": { any: pack("google.protobuf.Duration", Uint8Array.of(8, 1)) },
  "an Any of a type that its file does not import": { any: small },
  "an Any of a type that nobody knows": { any: pack("nobody.v1.Knows", Uint8Array.of(8, 1)) },
  "an Any of another prefix": { any: pack("example.v1.EveryKind", new Uint8Array(), "example.com/") },
  "an Any that another encoder packed": { any: pack("example.v1.EveryKind", Uint8Array.of(24, 0)) },
  "an empty Any": { any: {} },
  durations: { duration: { seconds: -1n, nanos: -500_000_000 } },
  "the longest duration": { duration: { seconds: 315_576_000_000n } },
  "a duration whose parts have two signs": { duration: { seconds: 1n, nanos: -1 } },
  "an Empty": { empty: {} },
  "a field mask": { mask: { paths: ["external_host", "child.text"] } },
  "a field mask without lowerCamelCase": { mask: { paths: ["a_1"] } },
  "a Struct": { struct: { a: null, b: [1, "x", true], c: { d: {} } } },
  "a Value that is null": { value: { kind: { case: "nullValue", value: 0 } } },
  "a Value that is a list": { listValue: { values: [{ kind: { case: "numberValue", value: -1.5 } }] } },
  "the first Timestamp": { timestamp: timestamp(-62_135_596_800n) },
  "the last Timestamp": { timestamp: timestamp(253_402_300_799n, 999_999_999) },
  "a Timestamp with microseconds": { timestamp: timestamp(0n, 1000) },
  "a Timestamp out of range": { timestamp: timestamp(253_402_300_800n) },
  "wrapped default values": { wrappedText: "", wrappedInt64: 0n },
  "a text chosen": { choice: { case: "chosenText", value: "" } },
  "an integer chosen": { choice: { case: "chosenInt64", value: 0n } },
  "a message chosen": { choice: { case: "chosenChild", value: {} } },
  "a negative zero": { double: -0 },
  "a negative zero in a list": { doubles: [-0] },
};

const nested = (levels: number): MessageInitShape<typeof EveryKindSchema> =>
  levels === 1 ? { text: "innermost" } : { child: nested(levels - 1) };

const withUnknown = (field: Uint8Array) => pack("example.v1.EveryKind", field);
const inField = (number: number, bytes: Uint8Array) => new BinaryWriter().tag(number, 2).bytes(bytes).finish();

const datas: Record<string, Any> = {
  ...Object.fromEntries(Object.entries(kinds).map(([name, init]) => [`data: ${name}`, everyKind(init)])),
  "data: nested 90 deep": everyKind(nested(90)),
  "data: unknown fields": withUnknown(unknownFields()),
  "data: unknown fields in a message": withUnknown(inField(17, unknownFields())),
  "data: unknown fields in a list": withUnknown(inField(36, unknownFields())),
  "data: unknown fields in a oneof": withUnknown(inField(72, unknownFields())),
  "data: unknown fields in an Any": everyKind({ any: withUnknown(unknownFields()) }),
  "data: FetchFile with a size of 2^53 + 1": fetchFile({ filename: "a", size: 9_007_199_254_740_993n }),
  "data: SendMail whose fields are the keys": pack(
    "example.v1.SendMail",
    toBinary(SendMailSchema, create(SendMailSchema, { mailbox: "datto.com", messageId: "file1", recipients: ["a@b"] })),
  ),
  "data: SendMail whose fields are other keys": pack(
    "example.v1.SendMail",
    toBinary(SendMailSchema, create(SendMailSchema, { mailbox: "x", messageId: "y" })),
  ),
  "data: a composite task": pack(
    "taskledger.v1.Composite",
    toBinary(CompositeSchema, create(CompositeSchema, { childTaskList: "children" })),
  ),
  "data: another prefix of the type URL": pack("example.v1.FetchFile", small.value, "example.com/types/"),
  "data: a type URL that is only a slash and a name": pack("example.v1.FetchFile", small.value, "/"),
  "data: a type that nobody knows": pack("nobody.v1.Knows", Uint8Array.of(8, 1)),
  "data: a type that nobody knows, of no bytes": pack("nobody.v1.Knows", new Uint8Array()),
  "data: bytes that are no message of their type": pack("example.v1.FetchFile", Uint8Array.of(10, 200)),
  "data: a text that is not UTF-8": pack("example.v1.FetchFile", Uint8Array.of(10, 1, 0xff)),
  "data: a message that is itself called SealedData": pack("taskledger.v1.SealedData", Uint8Array.of(10, 1, 120)),
};

const envelopes: Record<string, MessageInitShape<typeof TaskEnvelopeSchema>> = {
  "the least": { data: pack("example.v1.FetchFile", new Uint8Array()) },
  "all fields": {
    createdAt: timestamp(1_767_323_045n, 678_000_000),
    savedAt: timestamp(1_767_323_046n, 123_456_000),
    attempt: 3,
    headers: { traceparent: "00-1-2-03" },
  },
  "the first version": { savedAt: timestamp(0n, 1000) },
  "the last version": { savedAt: timestamp(253_402_300_799n, 999_999_000) },
  "a version of whole seconds": { savedAt: timestamp(1_767_323_046n) },
  "a version of milliseconds": { savedAt: timestamp(1_767_323_046n, 120_000_000) },
  "built at a nanosecond": { createdAt: timestamp(1_767_323_045n, 678_901_234) },
  "built before 1970": { createdAt: timestamp(-1n, 999_999_999) },
  "built in the year 1": { createdAt: timestamp(-62_135_596_800n) },
  "built in 1970": { createdAt: timestamp(0n) },
  "the last attempt": { attempt: 2 ** 32 - 1 },
  "several headers": { headers: { a: "", baggage: "x=1,y=2", traceparent: "ü" } },
  "a header without a name": { headers: { "": "x" } },
  "a header of a surrogate pair": { headers: { "😀": "\u{1f468}\u200d\u{1f469}" } },
  "headers that objects have as members": { headers: { constructor: "a", toString: "b" } },
  "keys of one byte": { taskList: "l", id: "i" },
  "keys with surrogate pairs": { taskList: "😀", id: "\u{10ffff}\u{1f600}" },
  "keys with spaces, controls and slashes": { taskList: " a/b\tc\n", id: "\u0001\u007f\u200b" },
  "an id in two forms of one letter": { id: "\u00e9e\u0301" },
  "the longest keys": { taskList: "l".repeat(512), id: `${"任".repeat(170)}ab` },
  "the longest id of surrogate pairs": { id: "😀".repeat(128) },
};

const unknown = unknownFields();
const header = "taskledger-unknown-fields";

/** In the order of the manifest. */
export const binaries: Readonly<Record<string, Uint8Array>> = {
  ...Object.fromEntries(Object.entries(envelopes).map(([name, init]) => [name, envelope(init)])),
  ...Object.fromEntries(Object.entries(datas).map(([name, data]) => [name, envelope({ data })])),
  "unknown fields of the envelope": join(envelope({}), unknown),
  "unknown fields of the envelope beside headers": join(envelope({ headers: { a: "1" } }), unknown),
  "unknown fields of the envelope and of the data": join(envelope({ data: withUnknown(unknown) }), unknown),
  "somebody else's header of the reserved name": envelope({ headers: { [header]: "!" } }),
};
