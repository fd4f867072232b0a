import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { clone, create, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { afterEach, describe, expect, test } from "vitest";
import { decodeData, encodeData } from "../../src/data/data.js";
import { fallBack } from "../../src/wire/fallback.js";
import { decode, decodeMessage, encode, encodeMessage } from "../../src/wire/message-codec.js";
import { fuzz } from "./campaign.js";
import { generateSubjects, type Subject } from "./codecs.js";
import { isSame } from "./same.js";
import { tryDecoding, tryEncoding } from "./trials.js";

const subjects = await generateSubjects();
const every = subjects.get("wire.Every") as Subject;
const maps = subjects.get("wire.Maps") as Subject;

// biome-ignore lint/suspicious/noExplicitAny: messages of schemas that are compiled here
type Any = any;

const make = ({ schema }: Subject, init: object = {}): Any => create(schema as DescMessage, init as Any);
const bytesOf = (subject: Subject, init: object) => toBinary(subject.schema, make(subject, init));
const readEvery = (bytes: Uint8Array): Any => decodeMessage(every.codec, bytes);
const decodeBy = (subject: Subject, bytes: Uint8Array) => tryDecoding(subject, new Uint8Array(bytes));

test("codecs do what protobuf-es does, whatever comes, or leave it to that", { timeout: 60_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const report = await fuzz({ seed, seconds: 30, messages: 1000, inputs: 3000, say: () => {} });
  expect(report.messages.codec).toBeGreaterThan(report.messages["protobuf-es"]);
  expect(report.decoded.codec).toBeGreaterThan(report.decoded["protobuf-es"]);
});

describe("a codec writes and reads by itself", () => {
  const longest = { int64: 2n ** 63n - 1n, uint64: 2n ** 64n - 1n, sint64: -(2n ** 63n), fixed64: 2n ** 64n - 1n };
  test.each<[string, Subject, object]>([
    ["nothing", every, {}],
    ["every kind of number at its ends", every, { ...longest, int32: -(2 ** 31), uint32: 2 ** 32 - 1, sfixed64: -1n }],
    [
      "numbers that JSON has no form for",
      every,
      { double: Number.NaN, float: Number.NEGATIVE_INFINITY, doubles: [-0, 0] },
    ],
    ["negative zeros", every, { double: -0, float: -0, optionalDouble: -0, chosenDouble: -0 }],
    [
      "text of every plane",
      every,
      { string: "aé漢😀\0\ufeff\ufffd", strings: ["", "é".repeat(100), "x".repeat(20_000)] },
    ],
    [
      "text as long as lengths can have bytes",
      every,
      { strings: [127, 128, 16383, 16384, 43, 5461].map((n) => "é".repeat(n)) },
    ],
    ["messages in messages", every, { every: { every: { point: { x: -1 } } }, everies: [{}, { points: [{}, {}] }] }],
    [
      "zeros that are set",
      every,
      { optionalInt32: 0, optionalString: "", optionalBytes: new Uint8Array(), wrappedInt64: 0n },
    ],
    ["64-bit integers as text", every, { text: "-9223372036854775808", texts: ["0", "18446744073709551615"] }],
    [
      "cases of oneofs",
      every,
      { choice: { case: "chosenEvery", value: {} }, scattered: { case: "scatteredLast", value: "" } },
    ],
    ["values of open enums that it does not know", every, { color: 77, colors: [-2, 5], optionalColor: -1 }],
    [
      "well-known types",
      every,
      { any: { typeUrl: "x/y" }, duration: { nanos: -1 }, mask: { paths: ["a"] }, empty: {} },
    ],
    ["a Value with a Struct in it", every, { value: { kind: { case: "structValue", value: { fields: {} } } } }],
    [
      "maps of every kind of key",
      maps,
      { byInt32: { "-1": 1 }, byUint64: { "18446744073709551615": 1n }, byBool: { true: false } },
    ],
    ["maps of names that objects have", maps, { strings: { constructor: "a", toString: "b", ["__proto__"]: "c" } }],
    ["maps of messages", maps, { points: { a: { x: 1 }, b: {} }, maps: { "5": { maps: { "6": {} } } } }],
    ["packed numbers", every, { int32s: [0, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31)], colors: [1, -1] }],
    ["many packed numbers", every, { int32s: new Array(5000).fill(-1) }],
    ["large bytes", every, { bytes: new Uint8Array(300_000).fill(7), blobs: [new Uint8Array(64), new Uint8Array(65)] }],
  ])("%s", (_, subject, init) => {
    expect(tryEncoding(subject, make(subject, init))).toBe("codec");
    expect(tryDecoding(subject, bytesOf(subject, init))).toBe("codec");
  });
});

describe("a codec reads by itself what hardly anybody writes:", () => {
  const point = (...bytes: number[]) => Uint8Array.of(0x8a, 0x01, bytes.length, ...bytes);
  test.each<[string, Uint8Array]>([
    ["a message that comes twice, and is merged", Buffer.concat([point(8, 1), point(16, 2)])],
    ["numbers that are not packed", new BinaryWriter().tag(43, WireType.Varint).int32(1).finish()],
    ["numbers that are packed", new BinaryWriter().tag(59, WireType.LengthDelimited).fork().int32(1).join().finish()],
    ["a tag that is longer than need be", Uint8Array.of(0xf2, 0x80, 0x00, 1, 65)],
    ["another wire type", Uint8Array.of(0x70, 1, 65)],
    ["a field past the end of its message", Uint8Array.of(0x92, 0x01, 2, 0x72, 1, 65)],
    ["a boolean of two bytes", new BinaryWriter().tag(13, WireType.Varint).raw(Uint8Array.of(0x80, 1)).finish()],
    ["unknown numbers", Uint8Array.of(0xc0, 0x3e, 5, 0xc1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8, 0xc5, 0x3e, 1, 2, 3, 4)],
    ["unknown text", Uint8Array.of(0xc2, 0x3e, 1, 65)],
    ["unknown groups", Uint8Array.of(0xc3, 0x3e, 0xcb, 0x3e, 8, 1, 0xcc, 0x3e, 0xc4, 0x3e)],
    ["unknown fields further inside", point(0xc0, 0x3e, 5)],
  ])("%s", (_, bytes) => {
    expect(decodeBy(every, bytes)).toBe("codec");
  });

  const entry = (...bytes: number[]) =>
    Uint8Array.of((maps.schema.field.strings?.number as number) * 8 + 2, bytes.length, ...bytes);
  const [key, value] = [
    [10, 1, 97],
    [18, 1, 98],
  ] as const;
  test.each<[string, Uint8Array]>([
    ["the value first", entry(...value, ...key)],
    ["no key", entry(...value)],
    ["no value", entry(...key)],
    ["neither", entry()],
    ["two keys", entry(...key, ...key, ...value)],
    ["something else", entry(...key, ...value, 24, 1)],
  ])("an entry of a map that has %s", (_, bytes) => {
    expect(decodeBy(maps, bytes)).toBe("codec");
  });

  test("unknown fields, which keep little else in memory, and are not changed by writes to the input", () => {
    const text = new BinaryWriter().tag(14, WireType.LengthDelimited).string("x".repeat(100_000)).finish();
    const bytes = Buffer.concat([
      text,
      Uint8Array.of(0xc0, 0x3e, 5),
      Uint8Array.of(0xc2, 0x3e, 100, ...new Array(100).fill(7)),
    ]);
    const message = readEvery(bytes);
    bytes.fill(1);
    expect(message.$unknown).toEqual([
      { no: 1000, wireType: WireType.Varint, data: Uint8Array.of(5) },
      { no: 1000, wireType: WireType.LengthDelimited, data: Uint8Array.of(100, ...new Array(100).fill(7)) },
    ]);
    for (const { data } of message.$unknown) expect(data.buffer.byteLength).toBeLessThan(5000);
  });
});

describe("a codec refuses, as protobuf-es does,", () => {
  test.each<[string, Uint8Array]>([
    ["a tag of more than 32 bits", Uint8Array.of(0xfa, 0xff, 0xff, 0xff, 0x1f, 1, 65)],
    ["a length that no memory has", Uint8Array.of(0x7a, 0xff, 0xff, 0xff, 0xff, 0x07, 1)],
    ["a group that does not end", Uint8Array.of(0xc3, 0x3e, 0xcb, 0x3e, 0xcc, 0x3e)],
    ["a group that ends as another", Uint8Array.of(0xc3, 0x3e, 0xcc, 0x3e)],
    ["the end of a group that is none", Uint8Array.of(0xc4, 0x3e)],
    ["groups nested deeper than it reads them", new Uint8Array(300).fill(0xc3).map((byte, i) => (i % 2 ? 0x3e : byte))],
    ["field 0", Uint8Array.of(0, 1)],
    ["a wire type that there is not", Uint8Array.of(0x0f)],
    ["what is no UTF-8", Uint8Array.of(0x72, 2, 0xc3, 0x28)],
    ["a number of eleven bytes", Uint8Array.of(0x18, ...new Array(10).fill(0xff), 1)],
    ["a length past the end", Uint8Array.of(0x72, 5, 65)],
    ["bytes that end in a tag, or in a number", Uint8Array.of(0x8a)],
    ["bytes that end in a fixed number", Uint8Array.of(0x09, 1, 2, 3)],
  ])("%s", (_, bytes) => {
    expect(decodeBy(every, bytes)).toBe("refused");
  });
});

const unknownField = { no: 1000, wireType: WireType.Varint, data: Uint8Array.of(5) };

describe("a codec leaves to protobuf-es", () => {
  test.each<[string, Subject, object]>([
    ["a Struct", every, { struct: { a: 1 } }],
    ["a message of proto2", every, { legacy: { text: "x" } }],
  ])("%s, written and read", (_, subject, init) => {
    expect(tryEncoding(subject, make(subject, init))).toBe("protobuf-es");
    expect(tryDecoding(subject, bytesOf(subject, init))).toBe("protobuf-es");
  });

  test.each<[string, object]>([
    ["a number where text is expected", { string: 5 }],
    ["text where a number is expected", { int32: "5" }],
    ["numbers out of range", { uint32: -1 }],
    ["a number that no float can be", { float: 3.5e38 }],
    ["a list where bytes are expected", { bytes: [] }],
    ["an object that only looks like bytes", { bytes: { length: 0 } }],
    ["a 64-bit integer that is a number", { int64: 5 }],
    ["a lone surrogate", { string: "\ud800" }],
    ["undefined for what a message always has", { string: undefined }],
    ["a list that is none", { strings: "ab" }],
    ["packed numbers that are none", { int32s: "12" }],
    ["a packed number that is text", { int32s: [1, "2"] }],
    ["a packed number out of range", { colors: [2 ** 31] }],
    ["packed numbers that are holes", { int32s: new Array(2) }],
    ["unknown fields", { $unknown: [unknownField] }],
    ["an unknown property", { nothing: 1 }],
    ["a message of another type", { point: { $typeName: "wire.Every" } }],
  ])("%s, which is refused or converted there", (_, change) => {
    expect(tryEncoding(every, Object.assign(make(every), change))).toBe("protobuf-es");
  });

  test.each([
    ["1e3", "byInt32"],
    ["", "byUint32"],
    ["0x10", "byInt64"],
    ["18446744073709551616", "byUint64"],
    ["TRUE", "byBool"],
    ["\udfff", "strings"],
  ])("a map's key %j in %s, which is refused there", (key, map) => {
    const value = { byBool: true, strings: "" }[map] ?? (map.endsWith("64") ? 1n : 1);
    expect(tryEncoding(maps, Object.assign(make(maps), { [map]: { [key]: value } }))).toBe("protobuf-es");
  });

  test("messages nested deeper than protobuf-es reads them", () => {
    const nested = (depth: number) => {
      let message = make(every);
      for (let i = 1; i < depth; i++) message = make(every, { every: message });
      return message as Message;
    };
    expect([99, 100, 101].map((depth) => tryEncoding(every, nested(depth)))).toEqual([
      "codec",
      "protobuf-es",
      "protobuf-es",
    ]);
    const bytes = [99, 100, 101].map((depth) => toBinary(every.schema, nested(depth)));
    expect(bytes.map((each) => tryDecoding(every, each))).toEqual(["codec", "codec", "refused"]);
  });

  test("a message that is inside of itself", () => {
    const message = make(every);
    message.every = message;
    expect(tryEncoding(every, message)).toBe("protobuf-es");
  });

  test("what is encoded while something else is", () => {
    const outer = make(maps);
    let inner: Uint8Array | undefined = new Uint8Array();
    Object.defineProperty(outer.strings, "a", {
      enumerable: true,
      get: () => {
        inner = encodeMessage(every.codec, make(every));
        return "b";
      },
    });
    expect(encodeMessage(maps.codec, outer)).toEqual(bytesOf(maps, { strings: { a: "b" } }));
    expect(inner).toBeUndefined();
    expect(encodeMessage(every.codec, make(every))).toEqual(new Uint8Array());
  });
});

describe("a number that is none keeps its bits", () => {
  const doubles = ["7ff0000000000001", "fff0000000000001", "7ff4000000000000", "7ff8000000000001", "fff8000000000000"];
  const floats = ["7fc00001", "ffc00000", "ffffffff"];
  const notANumber = (hex: string) => Buffer.from(hex, "hex").reverse();

  const inField = (no: number, value: Buffer) =>
    new BinaryWriter()
      .tag(no, value.length === 8 ? WireType.Bit64 : WireType.Bit32)
      .raw(value)
      .finish();
  const packed = (no: number, value: Buffer) =>
    new BinaryWriter()
      .tag(no, WireType.LengthDelimited)
      .bytes(Buffer.concat([value, value]))
      .finish();
  const wrapped = (no: number, bytes: Uint8Array) =>
    new BinaryWriter().tag(no, WireType.LengthDelimited).bytes(bytes).finish();
  const keyed = (no: number, value: Buffer) =>
    wrapped(no, Buffer.concat([wrapped(1, Buffer.from("a")), inField(2, value)]));

  const no = ({ schema }: Subject, name: string) => schema.field[name]?.number as number;
  const places: [string, Subject, string, string, (no: number, value: Buffer) => Uint8Array][] = [
    ["by itself", every, "double", "float", inField],
    ["optional", every, "optionalDouble", "optionalFloat", inField],
    ["packed", every, "doubles", "floats", packed],
    ["in a map", maps, "doubles", "floats", keyed],
    ["in a wrapper", every, "wrappedDouble", "wrappedFloat", (no, value) => wrapped(no, inField(1, value))],
  ];
  test.each(places)("%s", (_, subject, double, float, encode) => {
    const values = [...doubles.map((hex) => [double, hex] as const), ...floats.map((hex) => [float, hex] as const)];
    for (const [name, hex] of values) {
      const bytes = encode(no(subject, name), notANumber(hex));
      // Again and again, since engines keep numbers otherwise in code that has run for a while.
      for (let i = 0; i < 200; i++) {
        const data = decodeData(subject.schema, bytes, subject.codec);
        expect(Buffer.compare(encodeData(subject.schema, data, subject.codec), bytes)).toBe(0);
      }
    }
  });

  test("in a oneof, and in a list that is not packed", () => {
    for (const hex of doubles)
      for (const name of ["chosenDouble", "looseDoubles"]) {
        const bytes = inField(no(every, name), notANumber(hex));
        const data = decodeData(every.schema, bytes, every.codec);
        expect(Buffer.compare(encodeData(every.schema, data, every.codec), bytes)).toBe(0);
      }
  });

  test("but NaN as JavaScript writes it is read by the codec itself", () => {
    const init = { double: Number.NaN, float: Number.NaN, doubles: [Number.NaN, 1], floats: [1, Number.NaN] };
    expect(tryDecoding(every, bytesOf(every, init))).toBe("codec");
  });
});

test.each([...subjects])("a new %s is that of protobuf-es", (_, { schema, codec }) => {
  expect(isSame(codec.create(), create(schema))).toBe(true);
});

describe("a message that a codec has read", () => {
  const init = { string: "s", point: { x: 1 }, optionalInt64: 5n, choice: { case: "chosenInt32", value: 0 } };

  test("has the properties of protobuf-es's, in their order, and the same defaults", () => {
    const message = readEvery(bytesOf(every, init));
    const expected = fromBinary(every.schema, bytesOf(every, init));
    expect(Object.entries(message)).toEqual(Object.entries(expected));
    expect(Object.keys(readEvery(new Uint8Array()))).toEqual(Object.keys(create(every.schema)));
  });

  test("is one to protobuf-es, which copies it and looks into it", () => {
    const message = readEvery(bytesOf(every, init));
    expect(clone(every.schema, message)).toEqual(message);
    expect(reflect(every.schema, message).isSet(every.schema.field.point as Any)).toBe(true);
    expect(create(every.schema, message)).toBe(message);
  });

  test("shares no list, map or object with another", () => {
    const [a, b] = [readEvery(new Uint8Array()), readEvery(new Uint8Array())];
    a.strings.push("x");
    a.choice.case = "chosenInt32";
    expect(b).toEqual(make(every));
  });

  test("has texts that keep nothing else in memory", () => {
    const bytes = bytesOf(every, {
      string: "x".repeat(1_000_000),
      strings: ["as long as a sliced text has to be"],
      text: "1",
    });
    const before = usedMemory();
    const kept = Array.from({ length: 50 }, () => readEvery(bytes).strings[0]);
    expect(usedMemory() - before).toBeLessThan(5_000_000);
    expect(kept).toHaveLength(50);
  });

  test("has bytes of its own", () => {
    const blobs = [10, 100, 5000].map((length) => new Uint8Array(length).fill(length));
    const bytes = bytesOf(every, { blobs });
    const [first, second] = [readEvery(bytes), readEvery(bytes)];
    bytes.fill(0);
    for (const blob of first.blobs) blob.fill(1);
    expect(second.blobs).toEqual(blobs);
  });

  test("shares only bytes that are none, which can be copied, not transferred", () => {
    const { bytes: blob } = readEvery(new Uint8Array());
    try {
      structuredClone(blob, { transfer: [blob.buffer] });
    } catch (error) {
      expect(error).toMatchObject({ name: "DataCloneError" }); // since Node 21
    }
    expect(structuredClone(readEvery(new Uint8Array()).bytes)).toEqual(new Uint8Array());
  });
});

/** Once all garbage is collected. */
function usedMemory(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const filled = (size: number) => new Uint8Array(size).fill(size);

test("results do not change with later ones, whatever their size", () => {
  const sizes = [0, 1, 100, 1000, 1024, 1025, 8000, 70_000, 200_000, 10];
  const results = [...sizes, ...sizes].map((size) => encode((w, p) => w.raw(p, filled(size))) as Uint8Array);
  expect(results.map((bytes, i) => Buffer.compare(bytes, filled([...sizes, ...sizes][i] as number)))).toEqual(
    new Array(20).fill(0),
  );
  expect(results.map(({ length }) => length)).toEqual([...sizes, ...sizes]);
});

describe("an encoder that fails", () => {
  const before = encode((w, p) => w.raw(p, Uint8Array.of(1, 2, 3)));
  const fail = (act: () => never) =>
    encode((w, p) => {
      w.raw(p, filled(100_000));
      return act();
    });

  afterEach(() => {
    expect(before).toEqual(Uint8Array.of(1, 2, 3));
    expect(encode((w, p) => w.raw(p, Uint8Array.of(4)))).toEqual(Uint8Array.of(4));
  });

  test("falls back, and leaves no trace", () => expect(fail(fallBack)).toBeUndefined());

  test("otherwise than by falling back is a bug, which shows", () => {
    const bug = new TypeError("a bug");
    const failing = () => {
      throw bug;
    };
    expect(() => fail(failing)).toThrow(bug);
    expect(() => decode(new Uint8Array(), failing, undefined)).toThrow(bug);
  });
});
