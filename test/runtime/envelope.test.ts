import { deepStrictEqual } from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { isTaskError } from "taskledger";
import { describe, expect, test } from "vitest";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { decodeEnvelope, type EnvelopeStamp, prepareEnvelope, readStamp } from "../../src/envelope.js";
import { MAX_VERSION, MIN_VERSION, timestampToVersion, versionToTimestamp } from "../../src/version.js";
import { key, text, unknownFields } from "./arbitrary.js";
import { envelopeOf } from "./envelopes.js";
import { failureOf } from "./failure.js";

const versions = fc.oneof(fc.bigInt({ min: MIN_VERSION, max: MAX_VERSION }), fc.constantFrom(MIN_VERSION, MAX_VERSION));

const envelopes: fc.Arbitrary<TaskEnvelope> = fc
  .record({
    fields: fc.record({
      taskList: key,
      id: key,
      data: fc.record({ typeUrl: text.map((each) => `${each}/t`), value: fc.uint8Array({ maxLength: 200 }) }),
      createdAt: fc.option(fc.record({ seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }) }), {
        nil: undefined,
      }),
      attempt: fc.integer({ min: 0, max: 0xffff_ffff }),
      headers: fc.dictionary(text, text),
    }),
    $unknown: fc.oneof(fc.constant(undefined), unknownFields(TaskEnvelopeSchema)),
  })
  .map(({ fields, $unknown }) => Object.assign(create(TaskEnvelopeSchema, fields as object), $unknown && { $unknown }));

function savedAs(envelope: TaskEnvelope, version: bigint): Uint8Array {
  return toBinary(TaskEnvelopeSchema, { ...envelope, savedAt: versionToTimestamp(version) });
}

describe("an envelope that is encoded before its version is known", () => {
  test("gives protobuf-es's own bytes at every version", () => {
    fc.assert(
      fc.property(envelopes, versions, versions, (envelope, first, second) => {
        const { encode, size } = prepareEnvelope(envelope, Number.POSITIVE_INFINITY);
        expect(encode(second).length).toBeLessThanOrEqual(size);
        for (const version of [first, second, first]) deepStrictEqual(encode(version), savedAs(envelope, version));
      }),
    );
  });

  test("does not change with the envelope", () => {
    const envelope = fromBinary(TaskEnvelopeSchema, envelopeOf("t", Uint8Array.of(1, 2, 3), { headers: { a: "b" } }));
    const { encode } = prepareEnvelope(envelope, 1000);
    const before = encode(5n);
    envelope.data?.value.fill(9);
    Object.assign(envelope, { id: "another", headers: {} });
    expect(encode(5n)).toEqual(before);
  });

  test("is refused where a version could carry it past the limit", async () => {
    const envelope = fromBinary(TaskEnvelopeSchema, envelopeOf("t", new Uint8Array(100)));
    const size = savedAs(envelope, MAX_VERSION).length;
    expect(prepareEnvelope(envelope, size).encode(MAX_VERSION)).toHaveLength(size);
    expect(prepareEnvelope(envelope, size).size).toBe(size);
    expect(await failureOf(() => prepareEnvelope(envelope, size - 1))).toMatchObject({
      code: "TOO_LARGE",
      field: "data",
      taskList: "list",
      id: "id",
      message: `the task's envelope has ${size} bytes; the limit is ${size - 1} (maxTaskBytes)`,
    });
  });
});

/** What the full decoder reads of the fields that a stamp has; undefined for what is no stored envelope to it. */
function decodedStamp(bytes: Uint8Array): EnvelopeStamp | undefined {
  try {
    const { taskList, id, savedAt } = decodeEnvelope(bytes, Number.POSITIVE_INFINITY);
    const version = savedAt && timestampToVersion(savedAt);
    return version === undefined ? undefined : { taskList, id, savedAt: version };
  } catch (error) {
    expect(isTaskError(error, "INVALID_ENVELOPE")).toBe(true);
    return undefined;
  }
}

function stampOf(bytes: Uint8Array): EnvelopeStamp | undefined {
  try {
    return readStamp(bytes);
  } catch (error) {
    expect(isTaskError(error, "INVALID_ENVELOPE")).toBe(true);
    return undefined;
  }
}

/** The fields of a message, each with its tag. */
function fieldsOf(bytes: Uint8Array): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const fields: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    reader.skip(wireType, field);
    fields.push(bytes.subarray(start, reader.pos));
  }
  return fields;
}

const mutations = fc.array(
  fc.record({
    how: fc.constantFrom("set", "insert", "remove", "cut", "repeat"),
    at: fc.nat(1000),
    byte: fc.integer({ min: 0, max: 255 }),
  }),
  { minLength: 1, maxLength: 3 },
);

function mutate(bytes: Uint8Array, changes: readonly { how: string; at: number; byte: number }[]): Uint8Array {
  const mutated = [...bytes];
  for (const { how, at, byte } of changes) {
    const index = at % (mutated.length + 1);
    if (how === "cut") mutated.length = index;
    else if (how === "repeat") mutated.push(...mutated.slice(index));
    else mutated.splice(index, how === "insert" ? 0 : 1, ...(how === "remove" ? [] : [byte]));
  }
  return Uint8Array.from(mutated);
}

describe("the stamp of a stored envelope", () => {
  test("is what the full decoder reads", () => {
    fc.assert(
      fc.property(envelopes, versions, (envelope, version) => {
        const bytes = savedAs(envelope, version);
        deepStrictEqual(readStamp(bytes), { taskList: envelope.taskList, id: envelope.id, savedAt: version });
        deepStrictEqual(readStamp(bytes), decodedStamp(bytes));
      }),
    );
  });

  test("is that, too, where fields come in another order, or twice, or in parts", () => {
    fc.assert(
      fc.property(envelopes, versions, versions, fc.infiniteStream(fc.nat()), (envelope, first, second, order) => {
        const fields = [...fieldsOf(savedAs(envelope, first)), ...fieldsOf(savedAs(envelope, second))];
        const shuffled = fields.map((field) => [order.next().value, field] as const).sort(([a], [b]) => a - b);
        const bytes = Buffer.concat(shuffled.map(([, field]) => field));
        deepStrictEqual(readStamp(bytes), decodedStamp(bytes));
      }),
    );
    const seconds = new BinaryWriter().tag(5, 2).fork().tag(1, 0).int64(1_700_000_000n).join().finish();
    const nanos = new BinaryWriter().tag(5, 2).fork().tag(2, 0).int32(5000).join().finish();
    const inParts = Buffer.concat([nanos, envelopeOf("t", new Uint8Array()), seconds]);
    expect(readStamp(inParts)).toEqual({ taskList: "list", id: "id", savedAt: 1_700_000_000_000_005n });
    expect(decodedStamp(inParts)).toEqual(readStamp(inParts));
  });

  test("is the same, or refused, where bytes have changed", () => {
    fc.assert(
      fc.property(envelopes, versions, mutations, (envelope, version, changes) => {
        const bytes = mutate(savedAs(envelope, version), changes);
        const stamp = stampOf(bytes);
        const decoded = decodedStamp(bytes);
        if (stamp === undefined || decoded === undefined) return;
        // protobuf-es reads on past the end of a message inside another; what it then reads is no protobuf.
        if (Buffer.compare(bytes, toBinary(TaskEnvelopeSchema, fromBinary(TaskEnvelopeSchema, bytes))) !== 0) return;
        deepStrictEqual(stamp, decoded);
      }),
      { numRuns: 1000 },
    );
  });

  test("is nothing that random bytes have", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        stampOf(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  const stored = { savedAt: versionToTimestamp(5n) };
  test.each([
    ["a list of another wire type", new BinaryWriter().tag(1, 0).uint32(1)],
    ["an id of another wire type", new BinaryWriter().tag(2, 5).fixed32(1)],
    ["a list that is not UTF-8", new BinaryWriter().tag(1, 2).bytes(Uint8Array.of(0xff))],
    ["a version of another wire type", new BinaryWriter().tag(5, 0).uint32(1)],
    ["seconds of another wire type", new BinaryWriter().tag(5, 2).fork().tag(1, 2).string("x").join()],
    ["a version that runs past its end", new BinaryWriter().tag(5, 2).uint32(1).tag(1, 0).uint32(300)],
    ["a version that is no microsecond", new BinaryWriter().tag(5, 2).fork().tag(2, 0).int32(1).join()],
  ])("is refused for %s", async (_, field) => {
    const bytes = Buffer.concat([envelopeOf("t", new Uint8Array(), stored), field.finish()]);
    expect(await failureOf(() => readStamp(bytes))).toMatchObject({ code: "INVALID_ENVELOPE" });
  });

  test("is refused for an envelope that was not saved", async () => {
    const error = await failureOf(() => readStamp(envelopeOf("t", new Uint8Array())));
    expect(error).toMatchObject({ code: "INVALID_ENVELOPE", taskList: "list", id: "id" });
  });
});
