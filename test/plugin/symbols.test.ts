import { create } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  type DescriptorProto,
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { createEcmaScriptPlugin, type ImportSymbol } from "@bufbuild/protoplugin";
import fc from "fast-check";
import { expect, test } from "vitest";
import { importSchema, importShape } from "../../src/plugin/symbols.js";

/** Names of which some become others, by nesting, by a suffix, or by being reserved. */
const names = [
  "A",
  "B",
  "A_B",
  "ASchema",
  "Schema",
  "A_BSchema",
  "class",
  "classSchema",
  "Object",
  "file_x",
  "Promise",
];

const enums = fc.constantFrom(...names).map((name) => {
  return create(EnumDescriptorProtoSchema, { name, value: [{ name: `${name}_ZERO`, number: 0 }] });
});

function messages(depth: number): fc.Arbitrary<DescriptorProto> {
  return fc
    .record({
      name: fc.constantFrom(...names),
      nestedType: depth === 0 ? fc.constant<DescriptorProto[]>([]) : fc.array(messages(depth - 1), { maxLength: 3 }),
      enumType: fc.array(enums, { maxLength: 2 }),
    })
    .map((init) => create(DescriptorProtoSchema, withoutNamesakes(init)));
}

const file = fc
  .record({
    package: fc.constantFrom("", "p", "p.q"),
    messageType: fc.array(messages(2), { minLength: 1, maxLength: 4 }),
    enumType: fc.array(enums, { maxLength: 2 }),
    service: fc.array(
      fc.constantFrom(...names).map((name) => create(ServiceDescriptorProtoSchema, { name })),
      { maxLength: 2 },
    ),
  })
  .map((init) => create(FileDescriptorProtoSchema, { name: "x.proto", syntax: "proto3", ...withoutNamesakes(init) }));

/** Of the types in one scope, the first with each name. */
function withoutNamesakes<T extends Record<string, unknown>>(init: T): T {
  const taken = new Set<string>();
  const isFirst = ({ name }: { name: string }) => !taken.has(name) && taken.add(name);
  const kept = Object.entries(init).map(([key, value]) => [key, Array.isArray(value) ? value.filter(isFirst) : value]);
  return Object.fromEntries(kept) as T;
}

/** The symbols of all messages in a file: ours, and protoplugin's. */
function symbolsOf(file: FileDescriptorProto): { ours: ImportSymbol[]; theirs: ImportSymbol[] } {
  const ours: ImportSymbol[] = [];
  const theirs: ImportSymbol[] = [];
  const plugin = createEcmaScriptPlugin({
    name: "symbols",
    version: "",
    generateTs(schema) {
      const f = schema.generateFile("x.ts");
      for (const type of schema.files.flatMap((file) => Array.from(schema.typesInFile(file)))) {
        if (type.kind !== "message") continue;
        ours.push(importShape(f, type), importSchema(f, type));
        theirs.push(f.importShape(type), f.importSchema(type));
      }
    },
  });
  plugin.run(
    create(CodeGeneratorRequestSchema, { fileToGenerate: ["x.proto"], protoFile: [file], parameter: "target=ts" }),
  );
  return { ours, theirs };
}

const seen = ({ id, name, from, typeOnly }: ImportSymbol) => ({ id, name, from, typeOnly });

test("messages have the names that protoc-gen-es gives them, also where two would have the same", () => {
  let clashes = 0;
  fc.assert(
    fc.property(file, (file) => {
      const { ours, theirs } = symbolsOf(file);
      expect(ours.map(seen)).toEqual(theirs.map(seen));
      clashes += theirs.filter(({ name }) => /\$\d*$/.test(name)).length;
    }),
    { numRuns: 500 },
  );
  expect(clashes).toBeGreaterThan(0);
});

test("protoplugin, which goes through all types of a file for each name, is asked once a file", () => {
  const messageType = Array.from({ length: 200 }, (_, i) => create(DescriptorProtoSchema, { name: `Message${i}` }));
  const file = create(FileDescriptorProtoSchema, { name: "x.proto", syntax: "proto3", messageType });
  let asked = 0;
  let named = 0;
  const plugin = createEcmaScriptPlugin({
    name: "symbols",
    version: "",
    generateTs(schema) {
      const f = schema.generateFile("x.ts");
      const counting = new Proxy(f, {
        get(target, key) {
          if (key === "importSchema" || key === "importShape") asked++;
          return Reflect.get(target, key, target);
        },
      });
      for (const message of schema.files.flatMap(({ messages }) => messages)) {
        named++;
        importShape(counting, message);
        importSchema(counting, message);
      }
    },
  });
  plugin.run(
    create(CodeGeneratorRequestSchema, { fileToGenerate: ["x.proto"], protoFile: [file], parameter: "target=ts" }),
  );
  expect(named).toBe(200);
  expect(asked).toBe(1);
});
