import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { isTaskError } from "taskledger";
import { describe, expect, test } from "vitest";
import { TaskGroupSchema } from "../../gen/taskledger/v1/batch_pb.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { TimeSum } from "../../src/batch/columns.js";
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

  test.each([
    ["data", join(group({ ...plain, data: [] }), Uint8Array.of(0x20, 1, 0x28, 0x20, 1, 0x28))],
    ["ids", join(group({ ...plain, ids: [] }), Uint8Array.of(0x15, 1, 0x61, 0x15, 1, 0x62))],
    ["times", join(group(plain), Uint8Array.of(0x31, 2, 0x31, 2))],
  ])("for %s of another wire type, which protobuf libraries take for an unknown field", (_, columns) => {
    expect(thrownBy(() => read(bytes(16, columns)))).toMatchObject({ code: "INVALID_BATCH", field: "groups[0]" });
  });

  test.each([
    ["an order", join(bytes(16, group(plain)), Uint8Array.of(0x8d, 1, 0, 0x8d, 1, 0))],
    ["a group", join(bytes(16, none), Uint8Array.of(0x85, 1), bytes(16, group(plain)).subarray(2))],
  ])("for %s of another wire type", (_, batch) => {
    expect(thrownBy(() => read(batch))).toMatchObject({
      code: "INVALID_BATCH",
      message: expect.stringMatching(/field 1[67]/),
    });
  });

  test("for an order whose last number ends later than its field", () => {
    const order = join(bytes(17, Uint8Array.of(0x80)), Uint8Array.of(0), bytes(17, Uint8Array.of(0)));
    expect(thrownBy(() => read(join(bytes(16, group(plain)), order)))).toMatchObject({
      code: "INVALID_BATCH",
      message: "the bytes are not a taskledger.v1.TaskBatch",
    });
  });

  test("for a time that ends later than its field", () => {
    const time = Uint8Array.of(0x32, 1, 0x82, 0);
    expect(thrownBy(() => read(bytes(16, join(group(plain), time, varints(6, 1)))))).toMatchObject({
      code: "INVALID_BATCH",
      message: "the bytes are not a taskledger.v1.TaskBatch",
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

describe("times are added up exactly", () => {
  const arbitrary = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const exact = (value: bigint) =>
    BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;

  test("whatever they are", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(arbitrary, fc.bigInt({ min: -3_000_000n, max: 3_000_000n }))), (differences) => {
        const sum = new TimeSum();
        let expected = 0n;
        for (const difference of differences) {
          expected += difference;
          const fits = BigInt.asIntN(64, expected) === expected;
          expect(sum.add(exact(difference))).toBe(fits);
          if (!fits) return;
          const { seconds, nanos } = sum.toTimestamp();
          expect(seconds * 1_000_000n + BigInt(nanos / 1000)).toBe(expected);
          expect(nanos).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test("up to the ends of 64 bits", () => {
    const [after, before] = [new TimeSum(), new TimeSum()];
    expect([after.add(2n ** 63n - 1n), after.add(1)]).toEqual([true, false]);
    expect([before.add(-(2n ** 63n)), before.add(-1)]).toEqual([true, false]);
  });
});
