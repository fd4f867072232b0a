import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { MAX_VERSION, MIN_VERSION, versionToTimestamp } from "../../src/core/version.js";
import { decodeBody } from "../../src/envelope/decode.js";
import { encodeBody, encodeEnvelope } from "../../src/envelope/encode.js";
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

/** An envelope of nothing but a version. */
function savedAt(version: bigint): TaskEnvelope {
  return create(TaskEnvelopeSchema, { savedAt: versionToTimestamp(version) });
}

describe("the body of an envelope, which a store keeps", () => {
  test("is what protobuf-es writes of the envelope without its version", () => {
    fc.assert(
      fc.property(envelopes, fc.option(versions, { nil: undefined }), (envelope, version) => {
        const saved = version === undefined ? envelope : { ...envelope, savedAt: versionToTimestamp(version) };
        expect(encodeBody(saved, Infinity)).toEqual(toBinary(TaskEnvelopeSchema, envelope));
      }),
    );
  });

  test("becomes the whole message by saved_at behind it, in the order in which protobuf-es writes its fields", () => {
    fc.assert(
      fc.property(envelopes, versions, ({ $unknown: _, ...envelope }, version) => {
        const version15 = toBinary(TaskEnvelopeSchema, savedAt(version));
        const whole = savedAs(envelope, version);
        expect(whole).toEqual(Uint8Array.from([...encodeBody(envelope, Infinity), ...version15]));
      }),
    );
  });

  test("gives the envelope back at the version that the store keeps beside it", () => {
    fc.assert(
      fc.property(envelopes, versions, (envelope, version) => {
        const read = decodeBody(encodeBody(envelope, Infinity), version);
        expect(encodeEnvelope(read, Infinity)).toEqual(savedAs(envelope, version));
      }),
    );
  });

  test("counts for nothing where it has a version of its own", () => {
    const stray = savedAs(fromBinary(TaskEnvelopeSchema, envelopeOf("t", new Uint8Array())), 7n);
    expect(decodeBody(stray, 5n).savedAt).toEqual(versionToTimestamp(5n));
  });

  test("is refused where a version could carry it past the limit", async () => {
    const envelope = fromBinary(TaskEnvelopeSchema, envelopeOf("t", new Uint8Array(100)));
    const size = savedAs(envelope, MAX_VERSION).length;
    expect(encodeBody(envelope, size).length).toBe(toBinary(TaskEnvelopeSchema, envelope).length);
    expect(await failureOf(() => encodeBody(envelope, size - 1))).toMatchObject({
      code: "TOO_LARGE",
      field: "data",
      taskList: "list",
      id: "id",
      message: `the task's envelope has ${size} bytes; the limit is ${size - 1} (maxTaskBytes)`,
    });
  });
});
