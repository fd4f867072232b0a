import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { DataInterface, isTaskError, OpaqueTask, type Task, type TaskErrorCode } from "taskledger";
import { describe, expect, test } from "vitest";
import { FetchFileSchema } from "../../../gen/example/v1/fetch_file_pb.js";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../../gen/example/v1/send_mail_task.js";
import { messages } from "../arbitrary.js";
import { envelopeOf } from "../envelopes.js";
import { EverythingTask } from "../kinds.js";
import { adapter, expectStoreUnchanged, key, tasks, testCases } from "./setup.js";

describe("bytes", () => {
  const good = EverythingTask.build({ ...key, text: "text" }).toBinary();
  const read = (bytes: unknown) => () => tasks.fromBinary(bytes);
  const envelope = (more: object) => read(envelopeOf("kinds.Everything", new Uint8Array(), more));
  const timestamp = (seconds: bigint, nanos = 0) => ({ seconds, nanos });
  testCases([
    ["that are undefined", read(undefined), "INVALID_ENVELOPE", undefined, "expected a Uint8Array, got undefined"],
    ["that are base64", read("CgF4"), "INVALID_ENVELOPE", undefined, 'expected a Uint8Array, got "CgF4"'],
    ["that are a hash", read({}), "INVALID_ENVELOPE", undefined, "expected a Uint8Array, got an object (Object)"],
    [
      "that are an ArrayBuffer",
      read(good.buffer),
      "INVALID_ENVELOPE",
      undefined,
      "expected a Uint8Array, got an object (ArrayBuffer)",
    ],
    [
      "that are the JSON of a Buffer",
      read({ type: "Buffer", data: [1] }),
      "INVALID_ENVELOPE",
      undefined,
      "expected a Uint8Array",
    ],
    ["that are none", read(new Uint8Array()), "INVALID_ENVELOPE", "taskList", "the task list must be"],
    [
      "that are no protobuf",
      read(Buffer.from("hello, world")),
      "INVALID_ENVELOPE",
      undefined,
      "the bytes are not a taskledger.v1.TaskEnvelope",
    ],
    [
      "that end too early",
      read(good.subarray(0, -1)),
      "INVALID_ENVELOPE",
      undefined,
      "the bytes are not a taskledger.v1.TaskEnvelope",
    ],
    [
      "of data by itself",
      read(toBinary(FetchFileSchema, create(FetchFileSchema, { externalHost: "h" }))),
      "INVALID_ENVELOPE",
      "id",
      "the id must be",
    ],
    [
      "of more than 1 MiB",
      read(new Uint8Array(1024 * 1024 + 1)),
      "TOO_LARGE",
      "data",
      "the task's envelope has 1048577 bytes; the limit is 1048576 (maxTaskBytes)",
    ],
    ["without a list", envelope({ taskList: "" }), "INVALID_ENVELOPE", "taskList", "it is empty"],
    ["without an id", envelope({ id: "" }), "INVALID_ENVELOPE", "id", "it is empty"],
    ["with a NUL in the list", envelope({ taskList: "a\0" }), "INVALID_ENVELOPE", "taskList", "it holds a NUL"],
    ["with an id of 513 bytes", envelope({ id: "a".repeat(513) }), "INVALID_ENVELOPE", "id", "it has 513 bytes"],
    [
      "with a list that is not UTF-8",
      read(Buffer.concat([good, new BinaryWriter().tag(1, 2).bytes(Uint8Array.of(0xff)).finish()])),
      "INVALID_ENVELOPE",
      undefined,
      "the bytes are no",
    ],
    ["without data", envelope({ data: undefined }), "INVALID_ENVELOPE", "data", "data is missing"],
    [
      "without a type",
      envelope({ data: { typeUrl: "", value: new Uint8Array() } }),
      "INVALID_ENVELOPE",
      "data",
      "data does not name a type",
    ],
    [
      "with a prefix for a type",
      envelope({ data: { typeUrl: "type.googleapis.com/" } }),
      "INVALID_ENVELOPE",
      "data",
      "data does not name a type",
    ],
    [
      "created after the year 9999",
      envelope({ createdAt: timestamp(253_402_300_800n) }),
      "INVALID_ENVELOPE",
      "createdAt",
      "createdAt is out of the range of a Timestamp",
    ],
    [
      "created with too many nanoseconds",
      envelope({ createdAt: timestamp(0n, 1_000_000_000) }),
      "INVALID_ENVELOPE",
      "createdAt",
      "out of the range",
    ],
    [
      "saved between two microseconds",
      envelope({ savedAt: timestamp(1n, 1) }),
      "INVALID_ENVELOPE",
      "savedAt",
      "savedAt is not a whole number of microseconds between 1970 and 9999",
    ],
    ["saved in 1969", envelope({ savedAt: timestamp(-1n) }), "INVALID_ENVELOPE", "savedAt", "between 1970 and 9999"],
    [
      "saved in the year 10000",
      envelope({ savedAt: timestamp(253_402_300_800n) }),
      "INVALID_ENVELOPE",
      "savedAt",
      "between 1970 and 9999",
    ],
    ["saved at no time", envelope({ savedAt: timestamp(0n) }), "INVALID_ENVELOPE", "savedAt", "between 1970 and 9999"],
    [
      "of another type",
      () => FetchFileTask.fromBinary(SendMailTask.build({ mailbox: "l" }).toBinary()),
      "TYPE_MISMATCH",
      "data",
      "the task is of type example.v1.SendMail, not example.v1.FetchFile",
    ],
    [
      "of a type of a longer name",
      () => FetchFileTask.fromBinary(envelopeOf("my.example.v1.FetchFile", new Uint8Array())),
      "TYPE_MISMATCH",
      "data",
      "my.example.v1.FetchFile",
    ],
    [
      "whose data does not decode",
      () => FetchFileTask.fromBinary(envelopeOf("example.v1.FetchFile", Uint8Array.of(0x0a, 9))),
      "INVALID_DATA",
      "data",
      "the data does not decode as example.v1.FetchFile",
    ],
    [
      "whose data is nested too deep",
      () => EverythingTask.fromBinary(envelopeOf("kinds.Everything", nestedChildren(101))),
      "INVALID_DATA",
      "data",
      "maximum recursion depth of 100 reached",
    ],
  ]);

  /** `child` within `child`, without the checks of `build`. */
  function nestedChildren(levels: number): Uint8Array {
    let bytes: Uint8Array = new Uint8Array();
    for (let i = 1; i < levels; i++) bytes = new BinaryWriter().tag(17, 2).bytes(bytes).finish();
    return bytes;
  }

  const changes = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 2)), {
    maxLength: 4,
  });
  const data = messages(EverythingTask.schema, { depth: 1 }).map((message) => toBinary(EverythingTask.schema, message));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(data, changes, fc.option(fc.nat(200))).map(([value, edits, end]) => {
      const mutated = [...envelopeOf("kinds.Everything", value)];
      for (const [at, byte, removed] of edits) mutated.splice(at % mutated.length, removed, byte);
      return Uint8Array.from(mutated.slice(0, end ?? undefined));
    }),
    fc.uint8Array({ maxLength: 60 }).map((value) => envelopeOf("kinds.Everything", value)),
  );

  /** What came of it: the code of the error, which is to be a documented one, or what was read. */
  function outcomeOf(read: () => Task, documented: readonly TaskErrorCode[]): string {
    let task: Task;
    try {
      task = read();
    } catch (error) {
      if (!isTaskError(error)) throw error;
      expect(documented).toContain(error.code);
      return error.code;
    }
    const again = tasks.fromHash(JSON.parse(JSON.stringify(task)));
    expect(Buffer.compare(again.toBinary(), task.toBinary())).toBe(0);
    if (!(task instanceof OpaqueTask)) return "read";
    expect(["INVALID_DATA", "UNKNOWN_TYPE"]).toContain(task.reason.code);
    return `opaque: ${task.reason.code}`;
  }

  test("at random give a task that can be passed on, or an error that is documented", async () => {
    const seen = new Set<string>();
    const seenByClass = new Set<string>();
    const large = new DataInterface<never>({ types: [EverythingTask] as never, adapter, maxTaskBytes: 100 });
    await expectStoreUnchanged(async () => {
      fc.assert(
        fc.property(bytes, (given) => {
          seen.add(outcomeOf(() => tasks.fromBinary(given), ["INVALID_ENVELOPE"]));
          const documented = ["INVALID_ENVELOPE", "INVALID_DATA", "TYPE_MISMATCH"] as const;
          seenByClass.add(outcomeOf(() => EverythingTask.fromBinary(given), documented));
          seen.add(outcomeOf(() => large.fromBinary(given), ["INVALID_ENVELOPE", "TOO_LARGE"]));
        }),
        { numRuns: 500 },
      );
    });
    expect([...seen].toSorted()).toEqual(
      expect.arrayContaining(["INVALID_ENVELOPE", "TOO_LARGE", "opaque: INVALID_DATA", "read"]),
    );
    expect([...seenByClass].toSorted()).toEqual(expect.arrayContaining(["INVALID_DATA", "INVALID_ENVELOPE", "read"]));
  });
});
