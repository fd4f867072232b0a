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
      "export function readFetchFile(r: Reader, end: number, m: FetchFile = createFetchFile()): FetchFile {",
      "  r.enter();",
      "  while (r.pos < end) switch (r.field()) {",
      "    case 1: m.host = r.string(); break;",
      "    case 2: m.size = r.int64(); break;",
      "    default: r.unknown(m);",
      "  }",
      "  r.leave();",
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
    expect(lines).toContain("export function readFetchFile(r, end, m = createFetchFile()) {");
  });

  test("in declarations", async () => {
    expect(await generateCodec(fetchFile, `target=dts,${mapImports}`)).toEqual([
      'import type { MessageCodec, Reader, Writer } from "taskledger/wire";',
      'import type { FetchFile } from "./example_pb";',
      "export declare const FetchFileCodec: MessageCodec<FetchFile>;",
      "export declare function createFetchFile(): FetchFile;",
      "export declare function writeFetchFile(w: Writer, p: number, m: FetchFile): number;",
      "export declare function readFetchFile(r: Reader, end: number, m?: FetchFile): FetchFile;",
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
    ["string x = 1;", 'if (m.x !== "") p = w.string(p, 10, m.x);', "case 1: m.x = r.string(); break;"],
    ["bytes x = 1;", "if (!w.isEmpty(m.x)) p = w.blob(p, 10, m.x);", "case 1: m.x = r.blob(); break;"],
    ["bool x = 1;", "if (m.x !== false) p = w.bool(p, 8, m.x);", "case 1: m.x = r.bool(); break;"],
    ["double x = 1;", "if (!w.isZero(m.x)) p = w.double(p, 9, m.x);", "case 1: m.x = r.double(); break;"],
    ["float x = 1;", "if (!w.isZero(m.x)) p = w.float(p, 13, m.x);", "case 1: m.x = r.float(); break;"],
    ["sint32 x = 1;", "if (m.x !== 0) p = w.sint32(p, 8, m.x);", "case 1: m.x = r.sint32(); break;"],
    ["fixed64 x = 1;", "if (m.x !== protoInt64.zero) p = w.fixed64(p, 9, m.x);", "case 1: m.x = r.fixed64(); break;"],
    ["E x = 1;", "if (m.x !== 0) p = w.int32(p, 8, m.x);", "case 1: m.x = r.enum(); break;"],
    [
      "int64 x = 1 [jstype = JS_STRING];",
      'if (m.x !== "0") p = w.int64(p, 8, w.decimal(m.x));',
      "case 1: m.x = r.text(r.int64()); break;",
    ],
    ["string x = 16;", 'if (m.x !== "") p = w.string(p, 130, m.x);', "case 16: m.x = r.string(); break;"],
    [
      "optional bool x = 1;",
      "if (m.x !== undefined) { n++; p = w.bool(p, 8, m.x); }",
      "case 1: m.x = r.bool(); break;",
    ],
    [
      "N x = 1;",
      "if (m.x !== undefined) { n++; p = w.join(p = w.fork(p, 10), writeN(w, p, m.x)); }",
      "case 1: m.x = readN(r, r.limit(), m.x); break;",
    ],
    [
      "google.protobuf.Timestamp x = 1;",
      "if (m.x !== undefined) { n++; p = w.join(p = w.fork(p, 10), writeTimestamp(w, p, m.x)); }",
      "case 1: m.x = readTimestamp(r, r.limit(), m.x); break;",
    ],
    [
      "google.protobuf.StringValue x = 1;",
      'if (m.x !== undefined) { n++; const at = p = w.fork(p, 10); if (m.x !== "") p = w.string(p, 10, m.x); p = w.join(at, p); }',
      "case 1: m.x = read$google$protobuf$StringValue(r, r.limit()," +
        " r.wrap(create$google$protobuf$StringValue(), m.x)).value; break;",
    ],
    [
      "repeated string x = 1;",
      "for (const each of w.list(m.x)) p = w.string(p, 10, each);",
      "case 1: m.x.push(r.string()); break;",
    ],
    [
      "repeated N x = 1;",
      "for (const each of w.list(m.x)) p = w.join(p = w.fork(p, 10), writeN(w, p, each));",
      "case 1: m.x.push(readN(r, r.limit())); break;",
    ],
    [
      "repeated E x = 1;",
      "if (w.list(m.x).length > 0)" +
        " { const at = p = w.fork(p, 10); for (const each of m.x) p = w.int32(p, 0, each); p = w.join(at, p); }",
      "case 1: for (const stop = r.numbers(); r.pos < stop; ) m.x.push(r.enum()); break;",
    ],
    [
      "repeated int32 x = 1 [packed = false];",
      "for (const each of w.list(m.x)) p = w.int32(p, 8, each);",
      "case 1: for (const stop = r.numbers(); r.pos < stop; ) m.x.push(r.int32()); break;",
    ],
    ["map<string, string> x = 1;", "p = w.stringMap(p, 10, m.x);", "case 1: r.stringEntry(m.x); break;"],
    [
      "map<int64, N> x = 1;",
      "for (const [key, value] of w.entries(m.x))" +
        " { const entry = p = w.fork(p, 10); p = w.int64(p, 8, w.decimal(key));" +
        " p = w.join(p = w.fork(p, 18), writeN(w, p, value)); p = w.join(entry, p); }",
      "case 1: readM$$x(r, m.x); break;",
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
      'case 1: m.choice = { case: "x", value: readN(r, r.limit(), m.choice.case === "x" ? m.choice.value : undefined) }; break;',
      'case 2: m.choice = { case: "y", value: r.enum() }; break;',
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
    const read = "case 1: r.fallBack(); break;";
    expect(await codeOf(`${struct} x = 1;`)).toEqual(["w.refuse(m.x !== undefined);", read]);
    expect(await codeOf(`repeated ${struct} x = 1;`)).toEqual(["w.refuse(w.list(m.x).length > 0);", read]);
    expect(await codeOf(`map<int32, ${struct}> x = 1;`)).toEqual(["w.refuse(w.entries(m.x).length > 0);", read]);
    expect(await codeOf(`oneof y { ${struct} x = 1; }`)).toEqual([
      "w.plain(m.y);",
      "switch (m.y.case) {",
      "case undefined: n++; break;",
      "}",
      read,
    ]);
  });
});

test("an entry of a map is read by a function of its own", async () => {
  const source = `message M { ${task} map<bool, M> ms = 1; }`;
  expect(await bodyOf("readM$$ms", source)).toEqual([
    "let key = false;",
    "let value = undefined;",
    "for (const end = r.limit(); r.pos < end; ) switch (r.field()) {",
    "case 1: key = r.bool(); break;",
    "case 2: value = readM(r, r.limit(), value); break;",
    "default: r.skip();",
    "}",
    "r.set(map, key, value ?? createM());",
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
    expect(files["shared_codec.ts"]).toContain(
      "export function readPoint(r: Reader, end: number, m: Point = createPoint()): Point {",
    );
    expect(files["shared_codec.ts"]).not.toContain("Other");
    expect(files["a_codec.ts"]).toContain('import { readPoint, writePoint } from "./shared_codec');
    expect(files["a_codec.ts"]).not.toContain("function readPoint");
  });

  test("are with their user where their file is not generated in the same run", async () => {
    const { files } = await generate({ "a.proto": user("A"), "shared.proto": shared });
    expect(files["a_codec.ts"]).toContain(
      "export function read$google$protobuf$Duration(r: Reader, end: number, m: Duration = create$google$protobuf$Duration()): Duration {",
    );
    expect(files["a_codec.ts"]).toContain('import type { Duration } from "@bufbuild/protobuf/wkt";');
    expect(files["shared_codec.ts"]).not.toContain("Duration");
  });

  test("have other names than the codecs, whatever they are called", async () => {
    const source = `message readFoo { ${task} FooCodec codec = 1; } message FooCodec { int32 x = 1; }`;
    const lines = await generateCodec(source);
    expect(lines).toContain("export const readFoo$Codec: MessageCodec<readFoo> = {");
    expect(lines).toContain(
      "export function readFooCodec(r: Reader, end: number, m: FooCodec = createFooCodec()): FooCodec {",
    );
  });
});
