import { describe, expect, test } from "vitest";
import { generate, generateCodec, mapImports, only } from "./generate.js";

const task = "option (taskledger.v1.task) = {};";

/** The statements of one function. */
async function bodyOf(name: string, source: string): Promise<string[]> {
  const lines = await generateCodec(source);
  const start = lines.findIndex((line) => line.includes(`function ${name}(`));
  return lines.slice(start + 1, lines.indexOf("}", start)).map((line) => line.trim());
}

const fetchFile = `message FetchFile { ${task} string host = 1; optional int64 size = 2; }`;

describe("a task type's codec", () => {
  test("in TypeScript, the whole file", async () => {
    const content = only(await generate(fetchFile, `target=ts,import_extension=js,${mapImports}`), "codec");
    expect(content.split("\n").slice(1)).toEqual([
      "// @generated from file example.proto (package example.v1, syntax proto3)",
      "/* eslint-disable */",
      "// @ts-nocheck",
      "",
      'import type { MessageCodec, Reader, Writer } from "taskledger/wire";',
      'import type { FetchFile } from "./example_pb.js";',
      "",
      "/** Encodes and decodes example.v1.FetchFile, as protobuf-es does. */",
      "export const FetchFileCodec: MessageCodec<FetchFile> = {",
      '  typeName: "example.v1.FetchFile",',
      "  create: createFetchFile,",
      "  write: writeFetchFile,",
      "  read: readFetchFile,",
      "};",
      "",
      "export function createFetchFile(): FetchFile {",
      '  return { $typeName: "example.v1.FetchFile", host: "" };',
      "}",
      "",
      "export function writeFetchFile(w: Writer, p: number, m: FetchFile): number {",
      '  w.enter(m, "example.v1.FetchFile");',
      "  let n = 2;",
      '  if (m.host !== "") p = w.string(p, 10, m.host);',
      "  if (m.size !== undefined) { n++; p = w.int64(p, 16, m.size); }",
      "  for (const _ in m) n--;",
      "  return w.leave(p, n);",
      "}",
      "",
      "export function readFetchFile(r: Reader, end: number): FetchFile {",
      "  const m = createFetchFile();",
      "  r.enter();",
      "  while (r.pos < end) switch (r.tag()) {",
      "    case 10: m.host = r.string(end); break;",
      "    case 16: m.size = r.int64(); break;",
      "    default: r.fallBack();",
      "  }",
      "  r.leave(end);",
      "  return m;",
      "}",
      "",
      "",
    ]);
  });

  test("in JavaScript", async () => {
    const lines = await generateCodec(fetchFile, `target=js,${mapImports}`);
    expect(lines.slice(0, 11)).toEqual([
      "export const FetchFileCodec = {",
      '  typeName: "example.v1.FetchFile",',
      "  create: createFetchFile,",
      "  write: writeFetchFile,",
      "  read: readFetchFile,",
      "};",
      "export function createFetchFile() {",
      '  return { $typeName: "example.v1.FetchFile", host: "" };',
      "}",
      "export function writeFetchFile(w, p, m) {",
      '  w.enter(m, "example.v1.FetchFile");',
    ]);
    expect(lines).toContain("export function readFetchFile(r, end) {");
  });

  test("in declarations", async () => {
    expect(await generateCodec(fetchFile, `target=dts,${mapImports}`)).toEqual([
      'import type { MessageCodec, Reader, Writer } from "taskledger/wire";',
      'import type { FetchFile } from "./example_pb";',
      "export declare const FetchFileCodec: MessageCodec<FetchFile>;",
      "export declare function createFetchFile(): FetchFile;",
      "export declare function writeFetchFile(w: Writer, p: number, m: FetchFile): number;",
      "export declare function readFetchFile(r: Reader, end: number): FetchFile;",
    ]);
  });

  test("in CommonJS", async () => {
    const source = fetchFile.replace("}; ", "}; bytes checksum = 3; ");
    const lines = await generateCodec(source, `target=js,js_import_style=legacy_commonjs,${mapImports}`);
    expect(lines).toContain('const { noBytes } = require("taskledger/wire");');
    expect(lines.slice(-4)).toEqual([
      "exports.FetchFileCodec = FetchFileCodec;",
      "exports.createFetchFile = createFetchFile;",
      "exports.writeFetchFile = writeFetchFile;",
      "exports.readFetchFile = readFetchFile;",
    ]);
  });

  test("is not there with codec=off, and the class does not ask for it", async () => {
    const { files } = await generate(fetchFile, `target=ts,codec=off,${mapImports}`);
    expect(Object.keys(files)).toEqual(["example_task.ts"]);
    expect(files["example_task.ts"]).not.toContain("Codec");
    expect(Object.keys((await generate(fetchFile, `target=ts,codec=on,${mapImports}`)).files)).toHaveLength(2);
  });

  test("is not there for a type that protobuf-es keeps as more than an object", async () => {
    const legacy = `
      syntax = "proto2";
      package example.v1;
      import "taskledger/v1/options.proto";
      message M { ${task} optional string host = 1; }`;
    const { files } = await generate(legacy);
    expect(Object.keys(files)).toEqual(["example_task.ts"]);
    expect(files["example_task.ts"]).not.toContain("Codec");
    const modern = legacy.replace('syntax = "proto2"', 'edition = "2023"').replace("optional ", "");
    expect(Object.keys((await generate(modern)).files)).toEqual(["example_task.ts"]);
    const implicit = modern.replace("= 1", "= 1 [features.field_presence = IMPLICIT]");
    expect(Object.keys((await generate(implicit)).files)).toHaveLength(2);
  });
});

describe("the code for a field", () => {
  const codeOf = async (fields: string) => {
    const source = `
      import "google/protobuf/struct.proto";
      import "google/protobuf/timestamp.proto";
      import "google/protobuf/wrappers.proto";
      message M { ${task} ${fields} }
      message N { int32 x = 1; }
      enum E { E_UNSPECIFIED = 0; }`;
    const written = (await bodyOf("writeM", source)).filter(
      (line) => !/^(w\.enter|return|let n|for \(const _)/.test(line),
    );
    const read = (await bodyOf("readM", source)).filter((line) => line.startsWith("case"));
    return [...written, ...read];
  };

  test.each([
    ["string x = 1;", 'if (m.x !== "") p = w.string(p, 10, m.x);', "case 10: m.x = r.string(end); break;"],
    ["bytes x = 1;", "if (!w.isEmpty(m.x)) p = w.blob(p, 10, m.x);", "case 10: m.x = r.blob(end); break;"],
    ["bool x = 1;", "if (m.x !== false) p = w.bool(p, 8, m.x);", "case 8: m.x = r.bool(); break;"],
    ["double x = 1;", "if (!w.isZero(m.x)) p = w.double(p, 9, m.x);", "case 9: m.x = r.double(); break;"],
    ["float x = 1;", "if (!w.isZero(m.x)) p = w.float(p, 13, m.x);", "case 13: m.x = r.float(); break;"],
    ["sint32 x = 1;", "if (m.x !== 0) p = w.sint32(p, 8, m.x);", "case 8: m.x = r.sint32(); break;"],
    ["fixed64 x = 1;", "if (m.x !== protoInt64.zero) p = w.fixed64(p, 9, m.x);", "case 9: m.x = r.fixed64(); break;"],
    ["E x = 1;", "if (m.x !== 0) p = w.int32(p, 8, m.x);", "case 8: m.x = r.enum(); break;"],
    [
      "int64 x = 1 [jstype = JS_STRING];",
      'if (m.x !== "0") p = w.int64(p, 8, w.decimal(m.x));',
      "case 8: m.x = r.text(r.int64()); break;",
    ],
    ["string x = 16;", 'if (m.x !== "") p = w.string(p, 130, m.x);', "case 130: m.x = r.string(end); break;"],
    [
      "optional bool x = 1;",
      "if (m.x !== undefined) { n++; p = w.bool(p, 8, m.x); }",
      "case 8: m.x = r.bool(); break;",
    ],
    [
      "N x = 1;",
      "if (m.x !== undefined) { n++; p = w.join(p = w.fork(p, 10), writeN(w, p, m.x)); }",
      "case 10: if (m.x !== undefined) r.fallBack(); m.x = readN(r, r.limit(end)); break;",
    ],
    [
      "google.protobuf.Timestamp x = 1;",
      "if (m.x !== undefined) { n++; p = w.join(p = w.fork(p, 10), writeTimestamp(w, p, m.x)); }",
      "case 10: if (m.x !== undefined) r.fallBack(); m.x = readTimestamp(r, r.limit(end)); break;",
    ],
    [
      "google.protobuf.StringValue x = 1;",
      'if (m.x !== undefined) { n++; const at = p = w.fork(p, 10); if (m.x !== "") p = w.string(p, 10, m.x); p = w.join(at, p); }',
      "case 10: if (m.x !== undefined) r.fallBack();" +
        " m.x = read$google$protobuf$StringValue(r, r.limit(end)).value; break;",
    ],
    [
      "repeated string x = 1;",
      "for (const each of w.list(m.x)) p = w.string(p, 10, each);",
      "case 10: m.x.push(r.string(end)); break;",
    ],
    [
      "repeated N x = 1;",
      "for (const each of w.list(m.x)) p = w.join(p = w.fork(p, 10), writeN(w, p, each));",
      "case 10: m.x.push(readN(r, r.limit(end))); break;",
    ],
    [
      "repeated E x = 1;",
      "if (w.list(m.x).length > 0)" +
        " { const at = p = w.fork(p, 10); for (const each of m.x) p = w.int32(p, 0, each); p = w.join(at, p); }",
      "case 10: for (const stop = r.limit(end); r.isBefore(stop); ) m.x.push(r.enum()); break;",
    ],
    [
      "repeated int32 x = 1 [packed = false];",
      "for (const each of w.list(m.x)) p = w.int32(p, 8, each);",
      "case 8: m.x.push(r.int32()); break;",
    ],
    ["map<string, string> x = 1;", "p = w.stringMap(p, 10, m.x);", "case 10: r.stringEntry(m.x, end); break;"],
    [
      "map<int64, N> x = 1;",
      "for (const [key, value] of w.entries(m.x))" +
        " { const entry = p = w.fork(p, 10); p = w.int64(p, 8, w.decimal(key));" +
        " p = w.join(p = w.fork(p, 18), writeN(w, p, value)); p = w.join(entry, p); }",
      "case 10: readM$$x(r, m.x, r.limit(end)); break;",
    ],
  ])("%s", async (field, write, read) => {
    expect(await codeOf(field)).toEqual([write, read]);
  });

  test("of a oneof", async () => {
    expect(await codeOf("oneof choice { N x = 1; E y = 2; }")).toEqual([
      "w.plain(m.choice);",
      "switch (m.choice.case) {",
      "case undefined: n++; break;",
      'case "x": n++; p = w.join(p = w.fork(p, 10), writeN(w, p, m.choice.value)); break;',
      'case "y": n++; p = w.int32(p, 16, m.choice.value); break;',
      "}",
      'case 10: if (m.choice.case === "x") r.fallBack(); m.choice = { case: "x", value: readN(r, r.limit(end)) }; break;',
      'case 16: m.choice = { case: "y", value: r.enum() }; break;',
    ]);
  });

  test("of a oneof that others stand between, in the order of the numbers", async () => {
    const code = await codeOf("oneof choice { string x = 3; E y = 1; } int32 z = 2;");
    expect(code.filter((line) => !line.includes("r."))).toEqual([
      "w.plain(m.choice);",
      "switch (m.choice.case) {",
      "case undefined: n++; break;",
      'case "y": n++; p = w.int32(p, 8, m.choice.value); break;',
      "}",
      "if (m.z !== 0) p = w.int32(p, 16, m.z);",
      "switch (m.choice.case) {",
      'case "x": n++; p = w.string(p, 26, m.choice.value); break;',
      "}",
    ]);
  });

  test("that is left to protobuf-es refuses what is set, and reads nothing", async () => {
    const struct = "google.protobuf.Struct";
    expect(await codeOf(`${struct} x = 1;`)).toEqual(["w.refuse(m.x !== undefined);"]);
    expect(await codeOf(`repeated ${struct} x = 1;`)).toEqual(["w.refuse(w.list(m.x).length > 0);"]);
    expect(await codeOf(`map<int32, ${struct}> x = 1;`)).toEqual(["w.refuse(w.entries(m.x).length > 0);"]);
    expect(await codeOf(`oneof y { ${struct} x = 1; }`)).toEqual([
      "w.plain(m.y);",
      "switch (m.y.case) {",
      "case undefined: n++; break;",
      "}",
    ]);
  });
});

test("an entry of a map is read by a function of its own", async () => {
  const source = `message M { ${task} map<bool, M> ms = 1; }`;
  expect(await bodyOf("readM$$ms", source)).toEqual([
    "r.expect(8);",
    "const key = r.bool();",
    "r.expect(18);",
    "const value = readM(r, r.limit(end));",
    "r.end(end);",
    "r.set(map, key, value);",
  ]);
});

describe("the messages that a task type reaches", () => {
  const shared = `syntax = "proto3"; package example.v1; message Point { int32 x = 1; } message Other {}`;
  const user = (name: string) => `
    syntax = "proto3";
    package example.v1;
    import "shared.proto";
    import "google/protobuf/duration.proto";
    import "taskledger/v1/options.proto";
    message ${name} { ${task} Point point = 1; google.protobuf.Duration length = 2; }`;

  test("are in the module of their own file, once", async () => {
    const { files } = await generate({ "a.proto": user("A"), "b.proto": user("B"), "shared.proto": shared });
    expect(Object.keys(files).sort()).toEqual([
      "a_codec.ts",
      "a_task.ts",
      "b_codec.ts",
      "b_task.ts",
      "shared_codec.ts",
    ]);
    expect(files["shared_codec.ts"]).toContain("export function readPoint(r: Reader, end: number): Point {");
    expect(files["shared_codec.ts"]).not.toContain("Other");
    expect(files["a_codec.ts"]).toContain('import { readPoint, writePoint } from "./shared_codec');
    expect(files["a_codec.ts"]).not.toContain("function readPoint");
  });

  test("are with their user where their file is not generated in the same run", async () => {
    const { files } = await generate({ "a.proto": user("A"), "shared.proto": shared });
    expect(files["a_codec.ts"]).toContain(
      "export function read$google$protobuf$Duration(r: Reader, end: number): Duration {",
    );
    expect(files["a_codec.ts"]).toContain('import type { Duration } from "@bufbuild/protobuf/wkt";');
    expect(files["shared_codec.ts"]).not.toContain("Duration");
  });

  test("have other names than the codecs, whatever they are called", async () => {
    const source = `message readFoo { ${task} FooCodec codec = 1; } message FooCodec { int32 x = 1; }`;
    const lines = await generateCodec(source);
    expect(lines).toContain("export const readFoo$Codec: MessageCodec<readFoo> = {");
    expect(lines).toContain("export function readFooCodec(r: Reader, end: number): FooCodec {");
  });
});
