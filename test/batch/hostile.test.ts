import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { fromBatch, isTaskError, OpaqueTask, type Task, toBatch } from "taskledger";
import { describe, expect, test, vi } from "vitest";
import { Random } from "../../src/testing/random.js";
import { mutate } from "../wire/mutate.js";
import { field, join } from "./hostile-batches.js";
import { described, envelope, mixedTasks, tasks, types } from "./mixed-tasks.js";

vi.setConfig({ testTimeout: 120_000 });

/** What fromBatch throws for bytes, as its documentation has it. */
const BATCH_CODES = ["INVALID_BATCH", "INVALID_ENVELOPE", "TOO_LARGE"];
const FRAME_CODES = [...BATCH_CODES, "TRUNCATED"];
const OPAQUE_CODES = ["INVALID_DATA", "UNKNOWN_TYPE"];

/** Fields of a batch, of a group and of an envelope, in any order, number and wire type, within each other. */
const { message: adversarial } = fc.letrec<{ message: Uint8Array; value: Uint8Array }>((tie) => ({
  message: fc
    .array(fc.tuple(fc.integer({ min: 0, max: 18 }), fc.constantFrom(2, 2, 2, 0, 1, 3, 4, 5, 6), tie("value")), {
      maxLength: 6,
    })
    .map((fields) => join(...fields.map(([number, wireType, value]) => write(number, wireType, value)))),
  value: fc.oneof(
    { maxDepth: 3, depthSize: "large" },
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(..."aé\ufffd\0").map((text) => new Uint8Array(Buffer.from(text))),
    fc.constant(new Uint8Array(Buffer.from("/example.v1.FetchFile"))),
    tie("message"),
    tie("message"),
  ),
}));

/** A field whose number and wire type there may be none of. */
function write(number: number, wireType: number, value: Uint8Array): Uint8Array {
  const tag = new BinaryWriter().uint32((number << 3) | wireType).finish();
  return join(tag, wireType === WireType.LengthDelimited ? new BinaryWriter().bytes(value).finish() : value);
}

/** Groups whose columns mostly fit each other, of anything. */
const groups = fc
  .array(
    fc.record({
      shared: fc.oneof(adversarial, envelope),
      count: fc.integer({ min: 1, max: 3 }),
      ids: fc.constantFrom("a", "é", "\ufffd", ""),
      data: fc.uint8Array({ maxLength: 6 }),
      times: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      rest: fc.option(fc.oneof(adversarial, envelope)),
    }),
    { minLength: 1, maxLength: 2 },
  )
  .map((all) => join(...all.map((each) => field(16, group(each)))));

function group(of: {
  shared: Uint8Array;
  count: number;
  ids: string;
  data: Uint8Array;
  times: bigint | null;
  rest: Uint8Array | null;
}): Uint8Array {
  const columns = Array.from({ length: of.count }, () => [
    field(2, Buffer.from(of.ids)),
    field(4, of.data),
    of.times === null ? new Uint8Array() : field(5, new BinaryWriter().sint64(of.times).finish()),
    of.rest ? field(7, of.rest) : new Uint8Array(),
  ]);
  return join(field(1, of.shared), ...columns.flat());
}

const mutated = fc
  .tuple(mixedTasks, mixedTasks, fc.nat())
  .map(([given, other, seed]) => mutate(toBatch(given), [toBatch(other)], new Random(seed)));

const hostile = fc.oneof(
  { arbitrary: fc.uint8Array({ maxLength: 64 }), weight: 1 },
  { arbitrary: adversarial, weight: 2 },
  { arbitrary: groups, weight: 3 },
  { arbitrary: mutated, weight: 3 },
);

/** Looks at all that a reader of tasks may look at. What was read can be written, and is then the same. */
function use(read: readonly Task[]): void {
  for (const task of read) if (task instanceof OpaqueTask) expect(OPAQUE_CODES).toContain(task.reason.code);
  expect(described(fromBatch(toBatch(read), { types }))).toEqual(described(read));
}

describe("hostile bytes give tasks that can be used, or an error that is documented:", () => {
  test("fromBatch", () => {
    const seen = new Set<string>();
    const check = (bytes: Uint8Array) => {
      let read: readonly Task[];
      try {
        read = tasks.fromBatch(bytes);
      } catch (error) {
        if (!isTaskError(error)) throw error;
        expect(BATCH_CODES).toContain(error.code);
        seen.add(error.code);
        return;
      }
      if (read.length > 0) seen.add("read");
      use(read);
    };
    fc.assert(fc.property(hostile, check), { numRuns: 1000 });
    expect([...seen].toSorted()).toEqual(["INVALID_BATCH", "INVALID_ENVELOPE", "read"]);
  });

  test("decodeFrames", async () => {
    const seen = new Set<string>();
    const frame = (bytes: Uint8Array) => new BinaryWriter().bytes(bytes).finish();
    const streams = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.array(fc.oneof(hostile, envelope), { maxLength: 3 }).map((frames) => join(...frames.map(frame))),
      fc.tuple(fc.array(envelope), fc.nat()).map(([frames, seed]) => {
        return mutate(join(...frames.map(frame)), [frame(new Uint8Array(5))], new Random(seed));
      }),
    );
    const check = async (stream: Uint8Array) => {
      const read: Task[] = [];
      try {
        for await (const task of tasks.decodeFrames([stream])) read.push(task);
      } catch (error) {
        if (!isTaskError(error)) throw error;
        expect(FRAME_CODES).toContain(error.code);
        seen.add(error.code);
      }
      if (read.length > 0) seen.add("read");
      use(read);
    };
    await fc.assert(fc.asyncProperty(streams, check), { numRuns: 1000 });
    expect([...seen].toSorted()).toEqual(
      expect.arrayContaining(["INVALID_BATCH", "INVALID_ENVELOPE", "TRUNCATED", "read"]),
    );
  });
});
