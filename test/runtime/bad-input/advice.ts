import { create } from "@bufbuild/protobuf";
import { anyPack, durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { DataInterface, decodeFrames, encodeFrames, OpaqueTask, perform, recover, Task, toBatch } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileSchema } from "../../../gen/example/v1/fetch_file_pb.js";
import * as fetchFileModule from "../../../gen/example/v1/fetch_file_task.js";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../../gen/example/v1/send_mail_task.js";
import { EverythingTask, LegacyTask } from "../kinds.js";
import { key, tasks, testCases } from "./setup.js";

// biome-ignore lint/suspicious/noExplicitAny: untyped callers are what this file is about
type Any = any;

// What people give when they mean something else, and what they are told to write instead.

const task = FetchFileTask.build(key);
const bytes = task.toBinary();
const hash = task.asHash();
const text = JSON.stringify(task);
const base64 = Buffer.from(bytes).toString("base64");
const utf8 = (value: string) => new TextEncoder().encode(value);

describe("fromBinary tells who gives it", () => {
  const read = (value: unknown) => () => tasks.fromBinary(value);
  const given = (what: string, value: unknown, message: string) =>
    [what, read(value), "INVALID_ENVELOPE", undefined, message] as const;
  testCases([
    given("JSON", text, "characters; JSON is read by fromHash(JSON.parse(text))"),
    given("base64", base64, '; of base64: Buffer.from(text, "base64")'),
    given("other text", "hello", 'expected a Uint8Array, got "hello"'),
    given("a hash", hash, "got an object (Object); an object is read by fromHash"),
    given(
      "the JSON of a Buffer",
      JSON.parse(JSON.stringify(Buffer.from(bytes))),
      "; of a Buffer's JSON: Buffer.from(value.data)",
    ),
    given("an ArrayBuffer", bytes.buffer, "; new Uint8Array(buffer) makes one"),
    given("numbers", [...bytes], "; Uint8Array.from(numbers) makes one"),
    given("a promise of bytes", Promise.resolve(bytes), "got an object (Promise); await it first"),
    given("a task", task, "got an object (FetchFileTask); it is a task already"),
    given("the bytes of JSON", utf8(text), "; they are JSON, which fromHash(JSON.parse(text)) reads"),
    given("the bytes of base64", utf8(base64), '; they are base64: Buffer.from(text, "base64")'),
    given("a batch", toBatch([task]), "not a task but a batch: read it with fromBatch"),
  ]);
});

describe("fromBatch tells who gives it", () => {
  const given = (what: string, value: unknown, message: string) =>
    [what, () => tasks.fromBatch(value), "INVALID_BATCH", undefined, message] as const;
  testCases([
    given("a task's bytes", bytes, "not a batch but one task: read it with fromBinary"),
    given("base64", Buffer.from(toBatch([task])).toString("base64"), '; of base64: Buffer.from(text, "base64")'),
    given("tasks", [task], "expected a Uint8Array, got an array of 1"),
  ]);
});

describe("fromHash tells who gives it", () => {
  const given = (what: string, value: unknown, message: string, field?: string) =>
    [what, () => tasks.fromHash(value), "INVALID_HASH", field, message] as const;
  testCases([
    given("JSON", text, "characters; parse it first: JSON.parse(text)"),
    given("bytes", bytes, `got ${bytes.length} bytes; bytes are read by fromBinary`),
    given("a task", task, "got an object (FetchFileTask); it is a task already"),
    given("a promise of a hash", Promise.resolve(hash), "got an object (Promise); await it first"),
    given(
      "the fields of a task",
      { ...key, filename: "f" },
      "; a new task is made of its fields by build",
      'data["@type"]',
    ),
  ]);
});

describe("build tells who gives it", () => {
  const built = (what: string, data: object, field: string, message: string) =>
    [what, () => EverythingTask.build({ ...key, ...data }), "INVALID_DATA", field, message] as const;
  const wkt = 'of "@bufbuild/protobuf/wkt" makes one';
  testCases([
    built("a Date for a Timestamp", { timestamp: new Date(0) }, "timestamp", `; timestampFromDate(date) ${wkt}`),
    built(
      "text for a Timestamp",
      { timestamp: "2026-01-01T00:00:00Z" },
      "timestamp",
      `; timestampFromDate(new Date(text)) ${wkt}`,
    ),
    built("a number for a Timestamp", { timestamp: 0 }, "timestamp", `; timestampFromMs(milliseconds) ${wkt}`),
    built("a number for a Duration", { duration: 5 }, "duration", `; durationFromMs(milliseconds) ${wkt}`),
    built("a message for an Any", { any: create(FetchFileSchema) }, "any", `; anyPack(schema, message) ${wkt}`),
    built("paths for a FieldMask", { mask: ["a"] }, "mask", "; the paths go into an object: { paths }"),
    built("JSON for a Value", { value: "x" }, "value", "; fromJson(ValueSchema, json) makes one"),
    built("JSON for a ListValue", { listValue: [1] }, "listValue", "; fromJson(ListValueSchema, json) makes one"),
    built(
      "the message of a wrapper",
      { wrappedText: { value: "x" } },
      "wrappedText",
      "; give the value without its message",
    ),
    built(
      "an enum value's name",
      { color: "COLOR_RED" },
      "color",
      "; the number of COLOR_RED is 1, Everything_Color.RED in TypeScript",
    ),
    built(
      "an enum value's short name",
      { colors: ["BLUE"] },
      "colors[0]",
      "; the number of COLOR_BLUE is -2, Everything_Color.BLUE in TypeScript",
    ),
    built(
      "a misspelt one",
      { color: "COLOR_REED" },
      "color",
      "; give a number, such as Everything_Color.UNSPECIFIED; did you mean COLOR_RED?",
    ),
    built(
      "base64 for bytes",
      { blob: "AQ==" },
      "blob",
      '; of base64: Buffer.from(text, "base64"); of text: new TextEncoder().encode(text)',
    ),
    built("an ArrayBuffer for bytes", { blob: new ArrayBuffer(1) }, "blob", "; new Uint8Array(buffer) makes one"),
    built("numbers for bytes", { blob: [1] }, "blob", "; Uint8Array.from(numbers) makes one"),
    built("a Set for a list", { texts: new Set(["a"]) }, "texts", "; [...set] makes one"),
    built("a Map for a map", { textByText: new Map() }, "textByText", "; Object.fromEntries(map) makes one"),
    built("a Map for a Struct", { struct: new Map() }, "struct", "; Object.fromEntries(map) makes one"),
    built("a promise", { text: Promise.resolve("x") }, "text", "got an object (Promise); await it first"),
    built(
      "a promise for a message",
      { child: Promise.resolve({}) },
      "child",
      "got an object (Promise); await it first",
    ),
    built(
      "a task for a message",
      { child: EverythingTask.build(key) },
      "child",
      "; a task's message is its data: task.data",
    ),
    [
      "the .proto's name of a field",
      () => FetchFileTask.build({ ...key, external_host: "h" } as Any),
      "UNKNOWN_FIELD",
      "external_host",
      "example.v1.FetchFile has no field external_host; in TypeScript it is called externalHost",
    ],
    [
      "a misspelt field",
      () => FetchFileTask.build({ ...key, filname: "f" } as Any),
      "UNKNOWN_FIELD",
      "filname",
      "has no field filname; did you mean filename?",
    ],
    [
      "a misspelt one at depth",
      () => EverythingTask.build({ ...key, child: { children: [{ txt: "f" }] } }),
      "UNKNOWN_FIELD",
      "child.children[0].txt",
      "; did you mean text?",
    ],
    [
      "a misspelt case of a oneof",
      () => EverythingTask.build({ ...key, choice: { case: "chosenTxt", value: "" } }),
      "UNKNOWN_FIELD",
      "choice.case",
      "; did you mean chosenText?",
    ],
    [
      "`data` as `new` takes it",
      () => FetchFileTask.build({ ...key, data: { filename: "f" } } as Any),
      "UNKNOWN_FIELD",
      "data",
      "; build takes the data's fields beside the task's own, new takes them under `data`",
    ],
    ["a task", () => FetchFileTask.build(task), "INVALID_DATA", "data", "use `new` with `data: task.data`"],
    [
      "a promise of fields",
      () => FetchFileTask.build(Promise.resolve(key) as Any),
      "INVALID_DATA",
      "data",
      "got an object (Promise); await it first",
    ],
  ]);

  test("what it is told to write is right", () => {
    const built = EverythingTask.build({
      ...key,
      timestamp: timestampFromDate(new Date(0)),
      duration: durationFromMs(5),
      any: anyPack(FetchFileSchema, create(FetchFileSchema)),
      mask: { paths: ["a"] },
    });
    expect(EverythingTask.fromBinary(built.toBinary()).data.timestamp).toMatchObject({ seconds: 0n });
  });

  test("names the enum that is in no message", () => {
    expect(() => LegacyTask.build({ ...key, name: "n", mode: "MODE_FAST" })).toThrow(
      "the number of MODE_FAST is 1, Legacy_Mode.FAST",
    );
  });
});

describe("a oneof tells who gives it", () => {
  const built = (what: string, choice: unknown, field: string, message: string) =>
    [what, () => EverythingTask.build({ ...key, choice }), "UNKNOWN_FIELD" as const, field, message] as const;
  testCases([
    built("its field", { chosenText: "x" }, "choice.chosenText", 'choice: { case: "chosenText", value: … }'),
    built(
      "a field beside its case",
      { case: "chosenText", value: "x", chosenInt64: 1n },
      "choice.chosenInt64",
      "value: … }",
    ),
    built(
      "a misspelt key",
      { cas: "chosenText", value: "x" },
      "choice.cas",
      "a oneof has no cas; it is { case, value }",
    ),
  ]);
});

describe("others tell who gives", () => {
  const refused = (what: string, act: () => unknown, field: string, message: string) =>
    [what, act, "INVALID_ARGUMENT" as const, field, message] as const;
  const drain = async (source: AsyncIterable<unknown>) => {
    for await (const _ of source);
  };
  testCases([
    refused(
      "recover: options for its handler",
      () => recover(tasks, "l", { maxAttempts: 3 } as Any),
      "handler",
      "; the options come after the handler",
    ),
    refused(
      "perform: options for its handler",
      () => perform(tasks, task, { maxAttempts: 3 } as Any),
      "handler",
      "; the options come after the handler",
    ),
    refused(
      "toBatch: an async source",
      () => toBatch(tasks.all("l")),
      "tasks",
      "; from an async iterable, encodeFrames makes batches",
    ),
    refused("toBatch: a task", () => toBatch(task as Any), "tasks", "; one goes into an array: [task]"),
    refused(
      "decodeFrames: bytes",
      () => drain(decodeFrames(bytes as Any, { types: [FetchFileTask] })),
      "source",
      "; bytes that are all there go into an array: [bytes]",
    ),
    refused(
      "decodeFrames: text",
      () => drain(decodeFrames(["x"] as Any, { types: [FetchFileTask] })),
      "source",
      "; a stream must have no encoding",
    ),
    refused(
      "an adapter's class",
      () => new DataInterface({ types: [FetchFileTask], adapter: MemoryAdapter } as Any),
      "adapter",
      "got a function (MemoryAdapter); make one of it: new MemoryAdapter(…)",
    ),
    refused(
      "encodeFrames: a task",
      () => drain(encodeFrames(task as Any)),
      "source",
      "; one goes into an array: [task]",
    ),
  ]);
});

describe("types tell who gives", () => {
  const adapter = new MemoryAdapter();
  const given = (what: string, types: unknown, field: string, message: string, code = "TYPE_MISMATCH") =>
    [what, () => new DataInterface({ types, adapter } as Any), code as "TYPE_MISMATCH", field, message] as const;
  testCases([
    given(
      "an undefined class",
      [FetchFileTask, undefined],
      "types[1]",
      "types[1]: expected a generated task class, or one that extends it, got undefined; where modules import one another in a circle, a class is undefined until its module has run",
    ),
    given(
      "a schema",
      [FetchFileSchema],
      "types[0]",
      "; a schema is no class: give the one that is generated for example.v1.FetchFile",
    ),
    given("a task", [task], "types[0]", "; give its class: FetchFileTask"),
    given("a name", ["example.v1.FetchFile"], "types[0]", 'got "example.v1.FetchFile"'),
    given("OpaqueTask", [OpaqueTask], "types[0]", "; tasks of other types are OpaqueTasks by themselves"),
    given("Task", [Task], "types[0]", "got a function (Task)"),
    given(
      "the promise of a module",
      [import("../../../gen/example/v1/fetch_file_task.js")],
      "types[0]",
      "got an object (Promise); await it first",
    ),
    given("a module", fetchFileModule, "types", "; an array is written [FetchFileTask]", "INVALID_ARGUMENT"),
    given("a class", FetchFileTask, "types", "; an array is written [FetchFileTask]", "INVALID_ARGUMENT"),
  ]);
});

describe("an operation tells who gives it", () => {
  const given = (what: string, act: () => unknown, message: string) =>
    [what, act, "TYPE_MISMATCH", "task", message] as const;
  testCases([
    given(
      "a promise of a task",
      () => tasks.save(Promise.resolve(task)),
      "expected a task, got an object (Promise); await it first",
    ),
    given("a class", () => tasks.save(FetchFileTask), "got a function (FetchFileTask); build a task of it first"),
    given("many tasks", () => tasks.save([task]), "got an array of 1; saveAll and completeAll take many"),
    given("a copy of a task", () => tasks.save({ ...task }), "expected a task, got an object (Object)"),
    given("a message", () => tasks.complete(create(FetchFileSchema)), "expected a task, got an object (Object)"),
    [
      "a task where many are expected",
      () => tasks.saveAll(task),
      "INVALID_ARGUMENT",
      "source",
      "got an object (FetchFileTask); one goes into an array: [task]",
    ],
    [
      "a function",
      () => tasks.saveAll(() => [task]),
      "INVALID_ARGUMENT",
      "source",
      "; give what it returns, or new TaskGenerator(function)",
    ],
    [
      "a promise of tasks",
      () => tasks.saveAll(Promise.resolve([task])),
      "INVALID_ARGUMENT",
      "source",
      "got an object (Promise); await it first",
    ],
    [
      "a schema to create",
      () => tasks.create(FetchFileSchema, key),
      "UNSUPPORTED",
      undefined,
      "; a schema is no class: give the one that is generated for example.v1.FetchFile",
    ],
    [
      "a key in one object",
      () => tasks.find(key),
      "INVALID_KEY",
      "taskList",
      "got an object (Object); the list and the id are two arguments",
    ],
  ]);
});

describe("a task", () => {
  const told = "a task can't be cloned: hand over task.toBinary()";

  test("can't be cloned, which would give an object without anything, and says what to do", async () => {
    const { MessageChannel } = await import("node:worker_threads");
    const { serialize } = await import("node:v8");
    const { port1 } = new MessageChannel();
    for (const each of [
      task,
      FetchFileTask.fromBinary(bytes),
      SendMailTask.build({ mailbox: "l" }),
      tasks.fromHash(hash),
    ])
      for (const clone of [
        structuredClone,
        serialize,
        (value: unknown) => port1.postMessage(value),
        (value: unknown) => structuredClone({ value }),
      ])
        expect(() => clone(each)).toThrow(told);
    port1.close();
  });

  test("has nothing else that it did not have before", () => {
    expect(FetchFileTask.build(key, { createdAt: new Date(0) })).toEqual(
      FetchFileTask.build(key, { createdAt: new Date(0) }),
    );
    expect(task).not.toEqual(FetchFileTask.build({ ...key, id: "other" }));
    expect(JSON.parse(JSON.stringify(task))).toEqual(hash);
    expect(() => ({ ...task })).not.toThrow();
  });
});
