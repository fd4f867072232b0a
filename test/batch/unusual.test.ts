import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { isTaskError } from "taskledger";
import { describe, expect, test } from "vitest";
import { TaskGroupSchema } from "../../gen/taskledger/v1/batch_pb.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { addTime, toTimestamp } from "../../src/batch/columns.js";
import { thrownBy } from "../runtime/failure.js";
import { tasks } from "./mixed-tasks.js";

const typeUrl = "type.googleapis.com/example.v1.FetchFile";
const shared = { taskList: "list", data: { typeUrl }, attempt: 2 };
const bytes = (number: number, value: Uint8Array) => new BinaryWriter().tag(number, 2).bytes(value).finish();
const varints = (number: number, ...values: number[]) => {
  const writer = new BinaryWriter();
  for (const value of values) writer.tag(number, WireType.Varint).sint32(value);
  return writer.finish();
};
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const none = new Uint8Array();
const plain = { shared, ids: ["a", "b"], data: [none, none] };
const group = (init: Parameters<typeof create<typeof TaskGroupSchema>>[1]) =>
  toBinary(TaskGroupSchema, create(TaskGroupSchema, init));
const read = (batch: Uint8Array) =>
  tasks
    .fromBatch(batch)
    .map(({ id, taskList, envelope: { attempt, savedAt } }) => ({ id, taskList, attempt, savedAt }));

describe("a batch that is written in an unusual way is read as protobuf libraries read it:", () => {
  const expected = ["a", "b"].map((id) => ({ id, taskList: "list", attempt: 2, savedAt: undefined }));

  test("an order that is not packed, or in parts", () => {
    const unpacked = new BinaryWriter().tag(17, WireType.Varint).uint32(0).finish();
    expect(read(join(bytes(16, group(plain)), unpacked, unpacked))).toEqual(expected);
    expect(read(join(bytes(16, group(plain)), bytes(17, Uint8Array.of(0)), bytes(17, Uint8Array.of(0))))).toEqual(
      expected,
    );
  });

  test("times that are not packed, or in parts", () => {
    const versions = expected.map((task, i) => ({ ...task, savedAt: BigInt(3 + 2 * i) }));
    expect(read(bytes(16, join(group(plain), varints(6, 3, 2))))).toEqual(versions);
    expect(read(bytes(16, join(group(plain), bytes(6, Uint8Array.of(6)), bytes(6, Uint8Array.of(4)))))).toEqual(
      versions,
    );
  });

  test("numbers that are longer than they need be", () => {
    expect(read(join(bytes(16, group(plain)), bytes(17, Uint8Array.of(0x80, 0, 0x80, 0))))).toEqual(expected);
    expect(read(join(Uint8Array.of(0x82, 0x81, 0), bytes(16, group(plain)).subarray(2)))).toEqual(expected);
  });

  test("what is shared in two parts, which are merged", () => {
    const attempt = toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, { attempt: 7 }));
    expect(read(bytes(16, join(group(plain), bytes(1, attempt))))).toEqual(
      expected.map((task) => ({ ...task, attempt: 7 })),
    );
  });

  test("ids with the character that stands for what is no text", () => {
    expect(read(bytes(16, group({ ...plain, ids: ["\ufffd", "\ufeffb"] })))).toEqual(
      expected.map((task, i) => ({ ...task, id: ["\ufffd", "\ufeffb"][i] })),
    );
  });
});

describe("a batch is refused", () => {
  test("for an id that is no UTF-8", () => {
    expect(
      thrownBy(() => read(bytes(16, join(group({ ...plain, ids: ["a"] }), bytes(2, Uint8Array.of(0xff)))))),
    ).toMatchObject({ code: "INVALID_BATCH" });
  });

  test("for an unknown field in whatever else is unusual", () => {
    const unpacked = new BinaryWriter().tag(17, WireType.Varint).uint32(0).finish();
    expect(thrownBy(() => read(join(unpacked, bytes(16, join(group(plain), bytes(9, none))))))).toMatchObject({
      code: "INVALID_BATCH",
      field: "groups[0]",
    });
  });

  test("for groups in groups, however deep", () => {
    let nested: Uint8Array = none;
    for (let i = 0; i < 2000; i++) nested = bytes(16, nested);
    expect(thrownBy(() => read(nested))).toMatchObject({ code: "INVALID_BATCH" });
  });
});

describe("a small batch takes little memory, whatever it claims to have:", () => {
  const repeated = (part: Uint8Array) => Buffer.alloc(Math.floor(1_000_000 / part.length) * part.length, part);
  const unusual = new BinaryWriter().tag(17, WireType.Varint).uint32(0).finish();

  test.each([
    ["groups", repeated(bytes(16, none))],
    ["ids", bytes(16, repeated(bytes(2, none)))],
    ["tasks", bytes(16, repeated(bytes(4, none)))],
    ["rests", bytes(16, repeated(bytes(7, none)))],
    ["unpacked times", bytes(16, repeated(varints(6, 1)))],
    ["unpacked entries of the order", repeated(unusual)],
    ["groups behind what is unusual", join(unusual, repeated(bytes(16, none)))],
  ])("%s", (_, batch) => {
    const error = thrownBy(() => tasks.fromBatch(batch));
    expect(isTaskError(error, "TOO_LARGE")).toBe(true);
    expect(error).toMatchObject({ message: expect.stringContaining("10000 tasks") });
  });
});

test("times are added up exactly, also where numbers are not exact", () => {
  const max = Number.MAX_SAFE_INTEGER;
  expect([addTime(1, -2), addTime(max, 1), addTime(2n ** 60n, 1)]).toEqual([-1, 2n ** 53n, 2n ** 60n + 1n]);
  expect([addTime(2n ** 63n - 1n, 1), addTime(-(2n ** 63n), -1n)]).toEqual([undefined, undefined]);
  expect([toTimestamp(-1), toTimestamp(-1n), toTimestamp(2n ** 53n)]).toMatchObject([
    { seconds: -1n, nanos: 999_999_000 },
    { seconds: -1n, nanos: 999_999_000 },
    { seconds: 9_007_199_254n, nanos: 740_992_000 },
  ]);
});
