import { create } from "@bufbuild/protobuf";
import { DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { envelopeOf } from "./envelopes.js";
import { failureOf } from "./failure.js";
import { EverythingTask, LegacyTask } from "./kinds.js";

const key = { taskList: "list", id: "id" };

describe("data that protobuf-es would change in silence is refused", () => {
  test("a field of a message that is undefined, which would be written as text", async () => {
    const task = FetchFileTask.build({ ...key, filename: "file1.txt" });
    (task.data as { filename?: string }).filename = undefined as never;
    expect(await failureOf(() => task.toBinary())).toMatchObject({ code: "INVALID_DATA", field: "filename" });
  });

  test("a list or a oneof of a message that is undefined", async () => {
    for (const member of ["texts", "textByText", "choice"]) {
      const task = EverythingTask.build(key);
      delete task.data[member];
      expect(await failureOf(() => task.toBinary())).toMatchObject({ code: "INVALID_DATA", field: member });
    }
  });

  test("a message that somebody put together, if it lacks a field", async () => {
    const data = { $typeName: "example.v1.FetchFile", filename: "file1.txt" } as never;
    expect(await failureOf(() => new FetchFileTask({ ...key, data }))).toMatchObject({
      code: "INVALID_DATA",
      field: "externalHost",
      message: "externalHost: expected a string, got undefined",
    });
  });

  test("objects whose content is not in their keys", async () => {
    const init = {
      timestamp: new Date(0),
      textByText: new Map([["a", "b"]]),
      child: Promise.resolve({}),
      struct: new Set(),
    };
    for (const [field, value] of Object.entries(init)) {
      const error = await failureOf(() => EverythingTask.build({ ...key, [field]: value }));
      expect(error).toMatchObject({ code: "INVALID_DATA", field });
      expect(error.message).toMatch(
        value instanceof Date ? "got a Date (1970" : `got an object (${value.constructor.name})`,
      );
    }
  });

  test("strings for a 64-bit integer that are no decimal numbers", async () => {
    for (const int64 of [" ", "0x10", "1e3", "1n", ""])
      expect(await failureOf(() => EverythingTask.build({ ...key, int64 }))).toMatchObject({ field: "int64" });
    const { data } = EverythingTask.build({ ...key, longText: "-12" });
    expect(data.longText).toBe("-12");
  });

  test("a number that only rounding would bring into the range of a float", async () => {
    expect(await failureOf(() => EverythingTask.build({ ...key, float: 3.4028235e38 }))).toMatchObject({
      field: "float",
    });
    expect(EverythingTask.build({ ...key, float: 3.4028234663852886e38 }).toBinary()).toBeInstanceOf(Uint8Array);
  });
});

describe("data that was read can be passed on", () => {
  test("values of a closed enum that are not known here, which protobuf-es keeps in lists and maps", () => {
    const data = create(LegacyTask.schema, { name: "n", modes: [1, 9], modeByText: { a: 9 } } as object as never);
    const sent = new LegacyTask({ ...key, data });
    const read = LegacyTask.fromBinary(sent.toBinary());
    expect(read.data).toMatchObject({ modes: [1, 9], modeByText: { a: 9 } });
    expect(read.toBinary()).toEqual(sent.toBinary());
  });

  test("a Struct that holds no JSON number", () => {
    const sent = EverythingTask.build({ ...key, struct: { size: Number.NaN, limit: Number.POSITIVE_INFINITY } });
    expect(EverythingTask.fromBinary(sent.toBinary()).data.struct).toEqual({ size: Number.NaN, limit: Infinity });
  });
});

describe("data that lacks what proto2 requires", () => {
  test("is refused when it is encoded, not before: fields may be set after build", async () => {
    const task = LegacyTask.build({ ...key, text: "text" });
    expect((await failureOf(() => task.toBinary())).message).toContain("kinds.legacy.Legacy.name");
    task.data.name = "name";
    expect(LegacyTask.fromBinary(task.toBinary()).data).toMatchObject({ name: "name", text: "text" });
  });

  test("is opaque where it is read, so that it can be passed on", async () => {
    const tasks = new DataInterface({ types: [LegacyTask as never], adapter: new MemoryAdapter() });
    const bytes = envelopeOf("kinds.legacy.Legacy", Uint8Array.of(0x12, 1, 65));
    expect(tasks.fromBinary(bytes)).toMatchObject({ reason: { code: "INVALID_DATA" } });
    expect(tasks.fromBinary(bytes).toBinary()).toEqual(bytes);
    expect(await failureOf(() => LegacyTask.fromBinary(bytes))).toMatchObject({ code: "INVALID_DATA", field: "data" });
  });
});

/** Values of every kind, `levels` messages deep, the outermost and those that JSON does not show included. */
const nestings: [string, (levels: number) => object, number][] = [
  ["a message field", (levels) => nest(levels - 1, {}, (child) => ({ child })), 1],
  ["a list", (levels) => nest(levels - 1, {}, (child) => ({ children: [child] })), 1],
  ["a map", (levels) => nest(levels - 1, {}, (child) => ({ childByText: { a: child } })), 1],
  ["a oneof", (levels) => nest(levels - 1, {}, (value) => ({ choice: { case: "chosenChild", value } })), 1],
  ["a wrapper", (levels) => nest(levels - 2, { wrappedText: "x" }, (child) => ({ child })), 1],
  ["an empty Struct", (levels) => nest(levels - 2, { struct: {} }, (child) => ({ child })), 1],
  ["a Struct", (levels) => nest(levels - 3, { struct: { a: 1 } }, (child) => ({ child })), 1],
  ["a map of Structs", (levels) => nest(levels - 3, { structByText: { a: { b: 1 } } }, (child) => ({ child })), 1],
  ["Structs in a Struct", (levels) => ({ struct: nest((levels - 3) / 2, { a: 1 }, (a) => ({ a })) }), 2],
  ["arrays in a Struct", (levels) => ({ struct: { a: nest((levels - 3) / 2, 1, (value) => [value]) } }), 2],
];

function nest(times: number, innermost: unknown, wrap: (value: unknown) => unknown): object {
  let value = innermost;
  for (let i = 0; i < Math.floor(times); i++) value = wrap(value);
  return value as object;
}

describe.each(nestings)("data nested by %s", (_, data, step) => {
  test("is read back as deep as it may be saved", () => {
    const task = EverythingTask.build({ ...key, ...data(100) });
    expect(EverythingTask.fromBinary(task.toBinary()).data).toEqual(task.data);
    expect(EverythingTask.fromHash(JSON.parse(JSON.stringify(task))).data).toEqual(task.data);
  });

  test("is refused where it is nested deeper than 100 messages", async () => {
    const error = await failureOf(() => EverythingTask.build({ ...key, ...data(100 + step) }));
    expect(error).toMatchObject({ code: "INVALID_DATA" });
    expect(error.message).toContain("nested deeper than 100 messages");
  });
});
