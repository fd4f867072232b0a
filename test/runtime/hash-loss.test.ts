import type { DescMessage, Message } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messages } from "./arbitrary.js";
import { defineTask, EverythingTask, files, LegacyTask, type LooseClass } from "./kinds.js";
import { key, lostInJson, pack, readableInJson, sealed } from "./lost-in-json.js";

// What JSON has no room for, or gives another meaning, travels sealed; the rest is there to be read.

const names = (name: string) => defineTask(`kinds.names.${name}`);
/** What a task's JSON says its data is, once the task has come back whole. */
function typeInJson(taskClass: LooseClass, data: object): string {
  const task = new taskClass({ ...key, data });
  const hash = JSON.parse(JSON.stringify(task));
  expect(Buffer.from(taskClass.fromHash(hash).toBinary())).toEqual(Buffer.from(task.toBinary()));
  return hash.data["@type"];
}

function doubleOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0] as number;
}

const ambiguous: [string, string, object][] = [
  ["a field whose name in JSON is another's", "Shadowed", { a: 5 }],
  ["a field whose name is another's in JSON", "Shadowed", { b: 5 }],
  ["two whose names are swapped", "Swapped", { a: 5, b: 6 }],
  ["a field called as an extension", "Bracketed", { x: 5 }],
  ["such names at depth", "Holder", { shadowed: { a: 1 } }],
  ["such names in a list", "Holder", { swapped: [{ a: 1 }] }],
  ["such names in a map", "Holder", { bracketed: { a: { x: 1 } } }],
];

describe("is sealed:", () => {
  test.each([...lostInJson, ...ambiguous])("%s", (_, name, data) => expect(typeInJson(names(name), data)).toBe(sealed));

  test.each([
    ["payload", 0x7ff8_0000_0000_0001n],
    ["sign", 0xfff8_0000_0000_0000n],
  ])("NaN with a %s of its own", (_, bits) => {
    const value = doubleOf(bits);
    for (const data of [
      { double: value },
      { doubleByInt64: { 1: value } },
      { optionalDouble: value },
      { wrappedDouble: value },
    ])
      expect(typeInJson(EverythingTask, data)).toBe(sealed);
  });
});

test("comes back, or is sealed, however deep an Any is in others", () => {
  const types = new Set<string>();
  let data: object = { y: 1 };
  for (let levels = 1; levels <= 60; levels++) {
    data = { any: pack("kinds.names.AtType", data) };
    types.add(typeInJson(names("AtType"), data));
  }
  expect(types).toEqual(new Set(["type.googleapis.com/kinds.names.AtType", sealed]));
});

const odd: [string, string, object][] = [
  ["names that only look odd", "Odd", { proto: 1, typeName: 3, value: 4, space: 5, constructor$: 6, nothing: 7 }],
  ["such names in an Any", "Odd", { any: pack("kinds.names.Odd", { proto: 1, value: 4, nothing: 7 }) }],
];

test.each([...readableInJson, ...odd])("is not sealed: %s", (_, name, data) => {
  expect(typeInJson(names(name), data)).toBe(`type.googleapis.com/kinds.names.${name}`);
});

const schemas = [...files].filter((type): type is DescMessage => type.kind === "message");
const ownSchemas = schemas.filter(({ typeName }) => typeName.startsWith("kinds."));

test.each(ownSchemas.map((schema) => [schema.typeName, schema] as const))(
  "random data of %s comes back",
  (typeName, schema) => {
    const taskClass = typeName === "kinds.legacy.Legacy" ? LegacyTask : defineTask(typeName);
    fc.assert(
      fc.property(messages(schema), (data: Message) => void typeInJson(taskClass, data)),
      { numRuns: 100 },
    );
  },
);
