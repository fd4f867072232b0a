import { clone, create, fromBinary, mergeFromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { type TaskBatch, TaskBatchSchema, type TaskGroup, TaskGroupSchema } from "../../gen/taskledger/v1/batch_pb.js";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { thrownBy } from "../runtime/failure.js";
import { described, envelope, tasks } from "./mixed-tasks.js";

vi.setConfig({ testTimeout: 60_000 });

/** The envelopes of a batch, step by step as batch.proto says. */
function envelopesOf({ groups, order }: TaskBatch): TaskEnvelope[] {
  const next = groups.map(() => 0);
  const whole = order.length > 0 ? order : (groups[0]?.data ?? []).map(() => 0);
  return whole.map((index) => envelopeAt(groups[index] as TaskGroup, (next[index] as number)++));
}

function envelopeAt({ shared, ids, uuids, data, createdAt, savedAt, rest }: TaskGroup, i: number): TaskEnvelope {
  const made = shared ? clone(TaskEnvelopeSchema, shared) : create(TaskEnvelopeSchema);
  made.id = ids[i] ?? uuidAt(uuids, i);
  made.data ??= create(AnySchema);
  made.data.value = data[i] as Uint8Array;
  if (createdAt.length > 0) made.createdAt = timeAt(createdAt, i);
  if (savedAt.length > 0) made.savedAt = timeAt(savedAt, i);
  return rest[i] ? mergeFromBinary(TaskEnvelopeSchema, made, rest[i]) : made;
}

function uuidAt(uuids: Uint8Array, i: number): string {
  const hex = Buffer.from(uuids.subarray(16 * i, 16 * i + 16)).toString("hex");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

function timeAt(differences: readonly bigint[], i: number): Timestamp {
  const micros = differences.slice(0, i + 1).reduce((sum, each) => sum + each);
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return create(TimestampSchema, { seconds: (micros - rest) / 1_000_000n, nanos: Number(rest) * 1000 });
}

const anyTime = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
const version = fc.bigInt({ min: 1n, max: 253_402_300_799_999_999n });
const differences = (time: fc.Arbitrary<bigint>, count: number) =>
  fc.array(time, { minLength: count, maxLength: count }).map((all) => all.map((each, i) => each - (all[i - 1] ?? 0n)));
const column = <T>(entry: fc.Arbitrary<T>, count: number) => fc.array(entry, { minLength: count, maxLength: count });
const none = <T>() => fc.constant<T[]>([]);

/** What groups may have: any column or none, and what is shared either whole or with a rest. */
const group: fc.Arbitrary<TaskGroup> = fc.integer({ min: 1, max: 4 }).chain((count) =>
  fc
    .record({
      shared: envelope.filter(({ length }) => length <= 1024).map((bytes) => fromBinary(TaskEnvelopeSchema, bytes)),
      ids: fc.option(column(fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.uuid()), count)),
      uuids: fc.uint8Array({ minLength: 16 * count, maxLength: 16 * count }),
      data: column(fc.uint8Array({ maxLength: 6 }), count),
      createdAt: fc.oneof(none<bigint>(), differences(anyTime, count)),
      savedAt: fc.oneof(none<bigint>(), differences(version, count)),
      rest: fc.oneof(none<Uint8Array>(), column(fc.oneof(envelope, attempts, fc.constant(new Uint8Array())), count)),
    })
    .map(({ shared, ids, uuids, rest, ...columns }) => {
      const { taskList, data } = shared;
      const common = rest.length > 0 ? create(TaskEnvelopeSchema, data ? { taskList, data } : { taskList }) : shared;
      return create(TaskGroupSchema, { shared: common, rest, ...columns, ...(ids ? { ids } : { uuids }) });
    }),
);

const attempts = fc
  .record({ attempt: fc.nat(), headers: fc.dictionary(fc.string({ maxLength: 4 }), fc.string({ maxLength: 4 })) })
  .map((init) => toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, init)));

const batch: fc.Arbitrary<TaskBatch> = fc.array(group, { minLength: 1, maxLength: 3 }).chain((groups) => {
  const inGroups = groups.flatMap(({ data }, index) => data.map(() => index));
  const order = fc.shuffledSubarray(inGroups, { minLength: inGroups.length });
  return order.map((order) => create(TaskBatchSchema, { groups, order }));
});

test("a batch is read as batch.proto says, whatever of it a writer uses", () => {
  let read = 0;
  const check = (given: TaskBatch) => {
    const envelopes = envelopesOf(given).map((each) => toBinary(TaskEnvelopeSchema, each));
    const bytes = toBinary(TaskBatchSchema, given);
    const refused = thrownBy(() => envelopes.map((each) => tasks.fromBinary(each)));
    if (refused !== undefined) {
      expect(thrownBy(() => tasks.fromBatch(bytes))).toMatchObject({ code: "INVALID_ENVELOPE" });
      return;
    }
    read++;
    expect(described(tasks.fromBatch(bytes))).toEqual(described(envelopes.map((each) => tasks.fromBinary(each))));
  };
  fc.assert(fc.property(batch, check), { numRuns: 500 });
  expect(read).toBeGreaterThan(100);
});
