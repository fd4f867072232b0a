import {
  createRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Problem } from "../../src/core/problem.js";
import { jsonToBinary } from "../../src/json/json-to-binary.js";
import { messages } from "./arbitrary.js";
import { EverythingTask, files, LegacyTask } from "./kinds.js";

// protobuf-es reads the same JSON by way of a message. What it reads, this reads, to the same message; what it refuses, this
// refuses. The few differences, each of them meant, have a test of their own.

const registry = createRegistry(...files);
const options = { registry, ignoreUnknownFields: false, isStrict: false, maxBytes: 100_000 };

function bytesOf(schema: DescMessage, json: unknown, ignoreUnknownFields = false): Uint8Array | undefined {
  try {
    return jsonToBinary(schema, json, { ...options, ignoreUnknownFields });
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return undefined;
  }
}

function bytesByLibrary(schema: DescMessage, json: unknown, ignoreUnknownFields = false): Uint8Array | undefined {
  try {
    return toBinary(schema, fromJson(schema, json as JsonValue, { registry, ignoreUnknownFields }));
  } catch {
    return undefined;
  }
}

describe.each([EverythingTask.schema, LegacyTask.schema])("JSON of random messages of %s", (schema) => {
  test("gives the bytes that protobuf-es gives", () => {
    fc.assert(
      fc.property(messages(schema, { unknown: false }), (message) => {
        let json: JsonValue;
        try {
          json = toJson(schema, message, { registry });
        } catch {
          return; // there is no JSON of it
        }
        expect(bytesOf(schema, json)).toEqual(bytesByLibrary(schema, json));
      }),
      { numRuns: 300 },
    );
  }, 30_000);
});

describe("random JSON", () => {
  const scalars = fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    1.5,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    1e39,
    1e300,
    "",
    " ",
    "0",
    "-0",
    "01",
    "1",
    "-1",
    "1e2",
    "1.0",
    "0x10",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "-9223372036854775808",
    "NaN",
    "Infinity",
    "-Infinity",
    "true",
    "AQ==",
    "AQ",
    "-_8",
    "!",
    "COLOR_RED",
    "COLOR_GREEN",
    "MODE_FAST",
    "NULL_VALUE",
    "x",
    "é",
    "1s",
    "-1.5s",
    "a,b",
    "a_b",
    "fooBar",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.123+01:00",
    "0000-01-01T00:00:00Z",
  );
  const names = [...EverythingTask.schema.fields, ...LegacyTask.schema.fields].flatMap(({ name, jsonName }) => [
    name,
    jsonName,
  ]);
  const keys = fc.constantFrom(
    ...new Set(names.filter((name) => !/^color_?by_?bool$/i.test(name))),
    "value",
    "@type",
    "1",
    "01",
    "-1",
    "a",
    "[x]",
    "__proto__",
  );
  const messageTypes = fc.constantFrom("kinds.Everything", "kinds.Nothing", "google.protobuf.Empty", "nobody.Knows");
  const wellKnown = fc.constantFrom("Any", "Int32Value", "Struct", "Duration").map((name) => `google.protobuf.${name}`);
  const json = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 4 }, scalars, fc.array(tie("any"), { maxLength: 2 }), tie("object"), tie("packed")),
    object: fc.dictionary(keys, tie("any"), { maxKeys: 3 }),
    packed: fc.oneof(
      fc.tuple(messageTypes, tie("object")).map(([type, fields]) => ({ "@type": `x/${type}`, ...(fields as object) })),
      fc.tuple(wellKnown, tie("any")).map(([type, value]) => ({ "@type": `x/${type}`, value })),
    ),
  })).object;

  test.each([false, true])(
    "is read, and refused, as by protobuf-es (unknown fields ignored: %s)",
    (ignore) => {
      let read = 0;
      for (const schema of [EverythingTask.schema, LegacyTask.schema])
        fc.assert(
          fc.property(json, (fields) => {
            fc.pre(!hasNullCase(fields));
            const value = schema === LegacyTask.schema ? { name: "required", ...(fields as object) } : fields;
            const ours = bytesOf(schema, value, ignore);
            expect(ours && canonical(schema, ours)).toEqual(bytesByLibrary(schema, value, ignore));
            if (ours) read++;
          }),
          { numRuns: 500 },
        );
      expect(read).toBeGreaterThan(100);
    },
    30_000,
  );

  /** Whether it has null for a case of the oneof: unlike protobuf-es, we read another case beside it. */
  function hasNullCase(fields: unknown): boolean {
    return /"chosen\w*":null/.test(JSON.stringify(fields));
  }

  function canonical(schema: DescMessage, bytes: Uint8Array): Uint8Array | undefined {
    try {
      return toBinary(schema, fromBinary(schema, bytes));
    } catch {
      return undefined; // a message in it lacks what proto2 requires
    }
  }
});

describe("unlike protobuf-es, it", () => {
  const everything = (json: object, ignoreUnknownFields = false) =>
    bytesOf(EverythingTask.schema, json, ignoreUnknownFields);

  test.each<[string, object]>([
    ["an extension of another message", { "[kinds.legacy.note]": "x" }],
    ["a Duration with something behind it", { duration: "5s or so" }],
    ["a lone surrogate in a Struct", { struct: { a: "\ud800" } }],
    ["a lone surrogate in a Struct's key", { struct: { "\ud800": 1 } }],
    ["NaN in a Struct", { struct: { a: Number.NaN } }],
    ["keys beside the value of an Any", { any: { "@type": "x/google.protobuf.Duration", value: "5s", unit: "s" } }],
    ["an Any without its value", { any: { "@type": "x/google.protobuf.Struct", a: 1 } }],
    ["a wrong key of an entry whose value is ignored", { colorByBool: { maybe: "COLOR_GREEN" } }],
  ])("refuses %s, which would be lost, or is no JSON", (_, json) => {
    const isIgnored = "colorByBool" in json;
    expect(bytesByLibrary(EverythingTask.schema, json, isIgnored)).toBeDefined();
    expect(everything(json, isIgnored)).toBeUndefined();
  });

  test.each<[string, object, object]>([
    ["null for a case of a oneof beside another", { chosenColor: null, chosenText: "x" }, { chosenText: "x" }],
    [
      "an Empty in an Any as other libraries write it",
      { any: { "@type": "x/google.protobuf.Empty", value: {} } },
      { any: { "@type": "x/google.protobuf.Empty" } },
    ],
    [
      "a number for a 64-bit integer that is kept as text",
      { longText: -(2 ** 63) },
      { longText: "-9223372036854775808" },
    ],
  ])("reads %s", (_, json, same) => {
    expect(bytesByLibrary(EverythingTask.schema, json)).toBeUndefined();
    expect(everything(json)).toEqual(bytesByLibrary(EverythingTask.schema, same));
  });

  test("reads no Struct that is nested deeper than its bytes may be", () => {
    const nested = (levels: number) => JSON.parse(`{"listValue":${"[".repeat(levels)}${"]".repeat(levels)}}`);
    expect(everything(nested(50))).toEqual(bytesByLibrary(EverythingTask.schema, nested(50)));
    expect(() => fromBinary(EverythingTask.schema, everything(nested(50)) as Uint8Array)).not.toThrow();
    expect(everything(nested(52))).toBeUndefined();
  });
});
