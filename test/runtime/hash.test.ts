import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { DataInterface, OpaqueTask, type Task, type TaskHash } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { EverythingTask, LegacyTask, type LooseTask, NothingTask, schemaOf } from "./kinds.js";

const key = { taskList: "datto.com", id: "file1" };
const createdAt = new Date("2026-01-02T03:04:05.678Z");
const sealedType = "type.googleapis.com/taskledger.v1.SealedData";
const unknown = { $unknown: [{ no: 900, wireType: 0, data: Uint8Array.of(7) }] };

/** Through JSON's text, as another process gets it. */
function viaJson(task: Task): TaskHash & { data: { "@type": string } } {
  return JSON.parse(JSON.stringify(task));
}

function everything(data: object): LooseTask {
  return EverythingTask.build({ ...key, ...data });
}

describe("the hash of a task", () => {
  test("is ProtoJSON of the envelope", () => {
    const headers = { traceparent: "00-1-2-03" };
    const init = { ...key, externalHost: "datto.com", filename: "file1.txt", size: 9_007_199_254_740_993n };
    const task = FetchFileTask.build(init, { createdAt, headers });
    expect(task.asHash()).toEqual({
      taskList: "datto.com",
      id: "file1",
      data: {
        "@type": "type.googleapis.com/example.v1.FetchFile",
        externalHost: "datto.com",
        filename: "file1.txt",
        size: "9007199254740993",
      },
      createdAt: "2026-01-02T03:04:05.678Z",
      headers,
    });
  });

  test("is what JSON.stringify gives", () => {
    const task = FetchFileTask.build(key);
    expect(JSON.stringify(task)).toBe(JSON.stringify(task.asHash()));
  });

  test("carries the version of a saved task, to the microsecond", async () => {
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    const task = await tasks.create(FetchFileTask, key);
    expect(task.asHash().savedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z$/);
    expect(tasks.fromHash(viaJson(task)).envelope.savedAt).toBe(task.envelope.savedAt);
  });

  test("is read back by the class, and by an interface that knows it", () => {
    const task = FetchFileTask.build({ ...key, filename: "file1.txt", size: 5n });
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    for (const read of [FetchFileTask.fromHash(viaJson(task)), tasks.fromHash(viaJson(task))]) {
      expect(read).toBeInstanceOf(FetchFileTask);
      expect(read.toBinary()).toEqual(task.toBinary());
    }
  });

  test("may be written with the names of the .proto file, as ProtoJSON allows", () => {
    const hash = { task_list: "l", id: "i", data: { "@type": "x/example.v1.FetchFile", external_host: "h" } };
    expect(FetchFileTask.fromHash(hash)).toMatchObject({ taskList: "l", id: "i", externalHost: "h" });
  });

  test("keeps the prefix of the type's URL", () => {
    const hash = { taskList: "l", id: "i", data: { "@type": "example.com/types/example.v1.FetchFile" } };
    const task = FetchFileTask.fromHash(hash);
    expect(task.asHash().data).toEqual({ "@type": "example.com/types/example.v1.FetchFile" });
    expect(FetchFileTask.fromBinary(task.toBinary()).asHash()).toEqual(task.asHash());
  });

  test("leaves out unknown keys only if told to", () => {
    const hash = { ...key, data: { "@type": "x/example.v1.FetchFile", host: "h" }, priority: 1 };
    const read = FetchFileTask.fromHash(hash, { ignoreUnknownFields: true });
    expect(read.toBinary()).toEqual(
      FetchFileTask.fromHash({ ...key, data: { "@type": "x/example.v1.FetchFile" } }).toBinary(),
    );
  });
});

const anyOf = (data: object, typeUrl = "type.googleapis.com/kinds.Everything") => {
  const value = toBinary(EverythingTask.schema, Object.assign(create(EverythingTask.schema), data) as Message);
  return create(AnySchema, { typeUrl, value });
};

const anyInAny = (levels: number): Message =>
  levels === 0 ? anyOf({ text: "innermost" }) : anyOf({ any: anyInAny(levels - 1) });

const lossy: [string, object][] = [
  ["a field that the schema does not know", unknown],
  ["one in a message field", { child: Object.assign(create(EverythingTask.schema), unknown) }],
  ["one in a list", { children: [Object.assign(create(EverythingTask.schema), unknown)] }],
  ["one in a map", { childByText: { a: Object.assign(create(EverythingTask.schema), unknown) } }],
  ["one in a oneof", { choice: { case: "chosenChild", value: Object.assign(create(EverythingTask.schema), unknown) } }],
  ["one in an Any", { any: anyOf(unknown) }],
  ["one in an Any in an Any", { any: anyOf({ any: anyOf(unknown) }) }],
  ["an Any of another prefix", { any: anyOf({ text: "x" }, "example.com/kinds.Everything") }],
  ["an Any of an unknown type", { any: anyOf({}, "type.googleapis.com/nobody.Knows") }],
  [
    "an Any whose bytes do not decode",
    { any: create(AnySchema, { typeUrl: "x/kinds.Everything", value: Uint8Array.of(1) }) },
  ],
  [
    "an Any that another encoder packed",
    { any: create(AnySchema, { typeUrl: anyOf({}).typeUrl, value: Uint8Array.of(24, 0) }) },
  ],
  ["an Any of no type", { any: create(AnySchema, { value: Uint8Array.of(1) }) }],
  ["Any in Any, deeper than JSON is read", { any: anyInAny(60) }],
  ["a negative zero", { double: -0 }],
  ["a negative zero in a list", { doubles: [0, -0] }],
  ["a negative zero in a map", { doubleByInt64: { 1: -0 } }],
  ["a negative zero in a oneof", { choice: { case: "chosenDouble", value: -0 } }],
  ["a negative zero in a wrapper", { wrappedDouble: -0 }],
  ["a negative zero in a Struct", { struct: { $typeName: { list: [-0] } } }],
  ["a Struct that holds no JSON number", { struct: { a: Number.NaN } }],
  ["a Value of no kind", { value: create(schemaOf("google.protobuf.Value")) }],
  ["a number for null", { nullValue: 1 }],
  ["a Timestamp out of range", { timestamp: create(schemaOf("google.protobuf.Timestamp"), { seconds: 1n << 60n }) }],
  [
    "a Timestamp with too many nanoseconds",
    { timestamp: create(schemaOf("google.protobuf.Timestamp"), { nanos: 1e9 }) },
  ],
  [
    "a Duration whose parts have two signs",
    { duration: create(schemaOf("google.protobuf.Duration"), { seconds: 1n, nanos: -1 }) },
  ],
  ["a path with a comma", { mask: create(schemaOf("google.protobuf.FieldMask"), { paths: ["a,b"] }) }],
  ["a path without a name", { mask: create(schemaOf("google.protobuf.FieldMask"), { paths: [""] }) }],
  ["a path that has no lowerCamelCase", { mask: create(schemaOf("google.protobuf.FieldMask"), { paths: ["a_1"] }) }],
];

describe("what ProtoJSON would lose travels sealed", () => {
  test.each(lossy)("%s", (_, data) => {
    const task = EverythingTask.build(key);
    Object.assign(task.data, data);
    const hash = viaJson(task);
    expect(hash.data).toMatchObject({ "@type": sealedType, typeUrl: "type.googleapis.com/kinds.Everything" });
    const read = EverythingTask.fromHash(hash);
    expect(read.toBinary()).toEqual(task.toBinary());
    expect(read.data).toEqual(EverythingTask.fromBinary(task.toBinary()).data);
  });

  test("an enum value in a list that a closed enum does not have", () => {
    const task = LegacyTask.build({ ...key, name: "n", modes: [9] });
    expect(viaJson(task).data["@type"]).toBe(sealedType);
    expect(LegacyTask.fromHash(viaJson(task)).data.modes).toEqual([9]);
  });

  test("an extension", () => {
    const note = { no: 100, wireType: 2, data: new BinaryWriter().string("note").finish() };
    const task = LegacyTask.build({ ...key, name: "n" });
    Object.assign(task.data, { $unknown: [note] });
    expect(LegacyTask.fromHash(viaJson(task)).data.$unknown).toEqual([note]);
  });

  test("an opaque task, whose prefix and bytes come back", () => {
    const tasks = new DataInterface({ types: [], adapter: new MemoryAdapter() });
    const opaque = tasks.fromBinary(everything({ text: "x" }).toBinary());
    const hash = viaJson(opaque);
    expect(hash.data).toMatchObject({ "@type": sealedType, typeUrl: "type.googleapis.com/kinds.Everything" });
    const read = tasks.fromHash(hash);
    expect(read).toBeInstanceOf(OpaqueTask);
    expect(read.toBinary()).toEqual(opaque.toBinary());
    expect(EverythingTask.fromHash(hash).data.text).toBe("x");
  });

  test("data that is itself called SealedData", () => {
    const tasks = new DataInterface({ types: [], adapter: new MemoryAdapter() });
    const hash = { ...key, data: { "@type": sealedType, typeUrl: sealedType, value: "CgF4" } };
    expect(tasks.fromHash(hash).type).toBe("taskledger.v1.SealedData");
    expect(viaJson(tasks.fromHash(hash))).toEqual(hash);
  });
});

const lossless: [string, object][] = [
  ["numbers that JSON has no form for", { double: Number.NaN, doubles: [Infinity, -Infinity], float: Number.NaN }],
  ["unknown values of an open enum", { color: 7, colors: [-5], colorByBool: { true: 9 } }],
  ["an Any of a type that is known with the data", { any: anyOf({ text: "x", any: anyOf({ int32: 1 }) }) }],
  ["an empty Any", { any: create(AnySchema) }],
  [
    "default values of fields that have presence",
    { optionalText: "", optionalInt64: 0n, optionalBlob: new Uint8Array() },
  ],
  ["keys that objects have", { textByText: JSON.parse('{"__proto__":"a","toString":"b"}') }],
];

test.each(lossless)("%s: ProtoJSON keeps it, and no seal is needed", (_, data) => {
  const task = everything(data);
  expect(viaJson(task).data["@type"]).toBe("type.googleapis.com/kinds.Everything");
  expect(EverythingTask.fromHash(viaJson(task)).data).toEqual(task.data);
});

describe("what a newer version put into the envelope", () => {
  const newer = new BinaryWriter().tag(99, 2).string("priority: high").tag(100, 0).uint32(1).finish();
  const bytes = Buffer.concat([FetchFileTask.build({ ...key, filename: "a" }).toBinary(), newer]);

  test("survives in binary", () => {
    expect(Buffer.from(FetchFileTask.fromBinary(bytes).toBinary())).toEqual(bytes);
  });

  test("survives in the hash, in a header that the task does not show", () => {
    const task = FetchFileTask.fromBinary(bytes);
    expect(task.envelope.headers).toEqual({});
    expect(viaJson(task).headers).toHaveProperty("taskledger-unknown-fields");
    const read = FetchFileTask.fromHash(viaJson(task));
    expect(read.envelope.headers).toEqual({});
    expect(Buffer.from(read.toBinary())).toEqual(bytes);
  });

  test("is told from somebody else's header of that name, which is kept", () => {
    const hash = { ...viaJson(FetchFileTask.fromBinary(bytes)), headers: { "taskledger-unknown-fields": "!" } };
    expect(FetchFileTask.fromHash(hash).envelope.headers).toEqual(hash.headers);
  });

  test("survives a save, and the reading by a process that does not know the type", async () => {
    const tasks = new DataInterface({ types: [NothingTask as never], adapter: new MemoryAdapter() });
    const opaque = await tasks.save(tasks.fromBinary(bytes) as Task);
    const found = await tasks.find(key.taskList, key.id);
    expect(found?.toBinary()).toEqual(opaque.toBinary());
    expect(Buffer.from(found?.toBinary() ?? []).subarray(-newer.length)).toEqual(Buffer.from(newer));
  });
});

describe("the size of a hash is that of the bytes it stands for", () => {
  const limit = 10_000;
  const tasks = new DataInterface({
    types: [FetchFileTask, EverythingTask as never],
    adapter: new MemoryAdapter(),
    maxTaskBytes: limit,
  });
  const sizeOf = (task: Task) => task.toBinary().length;
  const filled = (bytes: number) => FetchFileTask.build({ ...key, filename: "x".repeat(bytes) }, { createdAt });
  const spare = limit - sizeOf(filled(9_000)) + 9_000;

  test("which may be as large as they", () => {
    const largest = filled(spare);
    expect(sizeOf(largest)).toBe(limit);
    expect(tasks.fromHash(viaJson(largest)).toBinary()).toEqual(largest.toBinary());
    const tooLarge = filled(spare + 1);
    for (const read of [() => tasks.fromHash(viaJson(tooLarge)), () => tasks.fromBinary(tooLarge.toBinary())])
      expect(read).toThrow(`has ${limit + 1} bytes; the limit is ${limit} (maxTaskBytes)`);
  });

  test("also where it is sealed, or has a header of what is unknown, in base64", () => {
    const odd = EverythingTask.build({ ...key, double: -0, text: "x".repeat(9_500) });
    expect(viaJson(odd).data["@type"]).toBe(sealedType);
    expect(tasks.fromHash(viaJson(odd)).toBinary()).toEqual(odd.toBinary());
    const unknown = new BinaryWriter().tag(99, 2).string("x".repeat(9_500)).finish();
    const newer = FetchFileTask.fromBinary(Buffer.concat([FetchFileTask.build(key).toBinary(), unknown]));
    expect(tasks.fromHash(viaJson(newer)).toBinary()).toEqual(newer.toBinary());
  });

  test("which has the prefix of the type in it", () => {
    const hash = (length: number) => ({ ...key, data: { "@type": `${"x".repeat(length)}/example.v1.FetchFile` } });
    const length = limit - sizeOf(tasks.fromHash(hash(9_000)) as Task) + 9_000;
    expect(sizeOf(tasks.fromHash(hash(length)) as Task)).toBe(limit);
    expect(() => tasks.fromHash(hash(length + 1))).toThrow(`has ${limit + 1} bytes; the limit is ${limit}`);
  });

  test("however long the JSON is", () => {
    const task = EverythingTask.build({ ...key, colors: new Array(9_000).fill(-2), longText: 1 });
    const wide = EverythingTask.build({ ...key, colors: new Array(9_000).fill(1) });
    expect(JSON.stringify(wide).length).toBeGreaterThan(10 * limit);
    expect(tasks.fromHash(viaJson(wide)).toBinary()).toEqual(wide.toBinary());
    expect(() => tasks.fromHash(viaJson(task))).toThrow("the hash stands for more than twice as many bytes");
  });

  test.each<[string, object]>([
    ["text", { text: "x".repeat(10 * limit) }],
    ["base64", { blob: "A".repeat(10 * limit) }],
    ["a key", { textByText: { ["x".repeat(10 * limit)]: "" } }],
    ["a Struct's key", { struct: { ["x".repeat(10 * limit)]: 1 } }],
    ["a Struct's text", { struct: { a: "x".repeat(10 * limit) } }],
    ["a mask", { mask: "a,".repeat(10 * limit) }],
  ])("and is looked at before %s is copied", (_, data) => {
    const hash = { ...key, data: { "@type": "x/kinds.Everything", ...data } };
    expect(() => tasks.fromHash(hash)).toThrow(expect.objectContaining({ code: "TOO_LARGE", field: "data" }));
  });

  test("is that of the configured interface, or of 1 MiB, for a class of its own", () => {
    const large = FetchFileTask.build({ ...key, filename: "x".repeat(1024 * 1024) });
    expect(() => FetchFileTask.fromHash(large.asHash())).toThrow("the limit is 1048576 (maxTaskBytes)");
  });
});
