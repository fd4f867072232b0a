import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { DataInterface, type Task, toBatch } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { TaskBatchSchema, type TaskGroup, TaskGroupSchema } from "../../gen/taskledger/v1/batch_pb.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { binaries, envelope, join, small, timestamp, unknownFields } from "./envelopes.js";
import type { BatchCase } from "./manifest.js";

type GroupInit = Omit<Exclude<MessageInitShape<typeof TaskGroupSchema>, TaskGroup>, "$typeName">;

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const ignorant = new DataInterface({ types: [], adapter: new MemoryAdapter() });

/** What a writer makes of envelopes. */
function written(envelopes: readonly Uint8Array[]): [Uint8Array, readonly Uint8Array[]] {
  return [toBatch(envelopes.map((bytes) => ignorant.fromBinary(bytes) as Task)), envelopes];
}

const uuids = ["0192f0c1-2b3c-7def-8123-456789abcdef", "00000000-0000-0000-0000-000000000000"];
const saved = (id: string, micros: number, init = {}) =>
  envelope({ id, createdAt: timestamp(1n, 5000), savedAt: timestamp(1_767_323_046n, micros * 1000), ...init });

const batches: Record<string, readonly [Uint8Array, readonly Uint8Array[]]> = {
  "no tasks": written([]),
  "one task": written([envelope({})]),
  "every envelope of this manifest": written(Object.values(binaries)),
  "times that go up and down": written([saved("a", 5), saved("b", 3), saved("c", 999_999)]),
  "ids that are UUIDs, and one that nearly is": written(
    [...uuids, (uuids[0] as string).toUpperCase()].map((id) => envelope({ id })),
  ),
  "times before 1970": written([
    envelope({ createdAt: timestamp(-1n, 999_000) }),
    envelope({ createdAt: timestamp(0n) }),
  ]),
  "lists and types by turns": written(
    ["a", "b", "c", "d"].map((id, i) => envelope({ id, taskList: i % 2 === 0 ? "even" : "odd" })),
  ),
  "two tasks that share all but their ids": written(
    ["a", "b"].map((id) => join(envelope({ id, attempt: 2, headers: { a: "1", b: "2" } }), unknownFields())),
  ),
  "unknown fields of envelopes": written([join(envelope({ id: "a" }), unknownFields()), envelope({ id: "b" })]),
  "as much that is shared as may be": [batch([padded(1024)]), [envelope({ id: "a", headers: padding(1024) })]],
  "what is shared, longer than it is when it is encoded anew": [repeatedly(600), [envelope({ id: "a" })]],
  "a form that no writer here makes": [
    batch([group({ ids: ["a"], rest: [envelopeBytes({ attempt: 2 })] })]),
    [envelope({ id: "a", attempt: 2 })],
  ],
  "an order that is written out where there is one group": [
    toBinary(TaskBatchSchema, create(TaskBatchSchema, { groups: [group({ ids: ["a"] })], order: [0] })),
    [envelope({ id: "a" })],
  ],
};

function group(init: GroupInit): GroupInit {
  return { shared: { taskList: "datto.com", data: { typeUrl: small.typeUrl } }, data: [small.value], ...init };
}

/** Headers that bring what a group shares to so many bytes. */
function padding(size: number): Record<string, string> {
  const { shared } = group({ ids: [] });
  const fixed = envelopeBytes({ ...shared, headers: { a: "x".repeat(200) } }).length;
  return { a: "x".repeat(200 + size - fixed) };
}

function padded(size: number): GroupInit {
  const { shared } = group({ ids: [] });
  return group({ ids: ["a"], shared: { ...shared, headers: padding(size) } });
}

/** A batch of one task whose group says its list again and again. */
function repeatedly(times: number): Uint8Array {
  const list = envelopeBytes({ taskList: "datto.com" });
  const shared = join(...Array(times).fill(list), envelopeBytes({ data: { typeUrl: small.typeUrl } }));
  const columns = toBinary(TaskGroupSchema, create(TaskGroupSchema, { ids: ["a"], data: [small.value] }));
  const whole = new BinaryWriter().tag(1, 2).bytes(shared).finish();
  return new BinaryWriter().tag(16, 2).bytes(join(whole, columns)).finish();
}

function batch(groups: readonly GroupInit[], order: readonly number[] = []): Uint8Array {
  return toBinary(TaskBatchSchema, create(TaskBatchSchema, { groups: [...groups], order: [...order] }));
}

const two = { ids: ["a", "b"], data: [small.value, small.value] };

/** A task that has something of its own beside what the group shares. */
function withRest(shared: Uint8Array, rest = envelopeBytes({ attempt: 2 })): Uint8Array {
  const common = envelopeBytes({ taskList: "datto.com", data: { typeUrl: small.typeUrl } });
  return batch([group({ ids: ["a"], rest: [rest], shared: fromBinary(TaskEnvelopeSchema, join(common, shared)) })]);
}

function envelopeBytes(init: MessageInitShape<typeof TaskEnvelopeSchema>): Uint8Array {
  return toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, init));
}

const MAX_SINT64 = 2n ** 63n - 1n;

const refused: Record<string, readonly [Uint8Array, string]> = {
  "bytes that are no message": [Uint8Array.of(0x82, 0x01, 0x7f), "INVALID_BATCH"],
  "an envelope in its place": [envelope({}), "INVALID_BATCH"],
  "a field that is not known": [join(batch([group({ ids: ["a"] })]), unknownFields()), "INVALID_BATCH"],
  "a column that is not known": [
    Uint8Array.of(0x82, 0x01, 7, 0x12, 1, 97, 0x22, 0, 0x50, 1), // a group with a field 10
    "INVALID_BATCH",
  ],
  "a group without tasks": [batch([group({ data: [] })]), "INVALID_BATCH"],
  "fewer ids than tasks": [batch([group({ ...two, ids: ["a"] })]), "INVALID_BATCH"],
  "ids and UUIDs at once": [batch([group({ ids: ["a"], uuids: new Uint8Array(16) })]), "INVALID_BATCH"],
  "half a UUID": [batch([group({ uuids: new Uint8Array(8) })]), "INVALID_BATCH"],
  "fewer times than tasks": [batch([group({ ...two, savedAt: [1n] })]), "INVALID_BATCH"],
  "fewer rests than tasks": [batch([group({ ...two, rest: [new Uint8Array()] })]), "INVALID_BATCH"],
  "two groups and no order": [batch([group({ ids: ["a"] }), group({ ids: ["b"] })]), "INVALID_BATCH"],
  "an order that is too short": [batch([group({ ids: ["a"] }), group({ ids: ["b"] })], [0]), "INVALID_BATCH"],
  "an order of a group that is not there": [
    batch([group({ ids: ["a"] }), group({ ids: ["b"] })], [0, 2]),
    "INVALID_BATCH",
  ],
  "an order of another wire type": [
    join(batch([group({ ids: ["a"] })]), Uint8Array.of(0x8d, 1, 0, 0, 0, 0)),
    "INVALID_BATCH",
  ],
  "an order that ends later than its field": [
    join(batch([group(two)]), Uint8Array.of(0x8a, 1, 1, 0x80, 0, 0x8a, 1, 1, 0)),
    "INVALID_BATCH",
  ],
  "a column of another wire type": [
    Uint8Array.of(0x82, 0x01, 14, 0x12, 1, 97, 0x22, 0, 0x31, ...new Uint8Array(8)), // `saved_at` as a fixed64
    "INVALID_BATCH",
  ],
  "a byte too much that is shared": [batch([padded(1025)]), "INVALID_BATCH"],
  "very much that is shared": [
    batch([group({ ids: ["a"], shared: { headers: { a: "x".repeat(10_000) } } })]),
    "INVALID_BATCH",
  ],
  "more than 10,000 tasks": [batch([group({ data: Array(10_001).fill(new Uint8Array()) })]), "TOO_LARGE"],
  "a task without a list": [batch([group({ ids: ["a"], shared: {} })]), "INVALID_ENVELOPE"],
  "a task with an empty id": [batch([group({ ids: [""] })]), "INVALID_ENVELOPE"],
  "a second task with an empty id": [batch([group({ ...two, ids: ["a", ""] })]), "INVALID_ENVELOPE"],
  "a second time that a Timestamp can't be": [
    batch([group({ ...two, createdAt: [1n, 2n ** 62n] })]),
    "INVALID_ENVELOPE",
  ],
  "a version that a Timestamp can't be": [batch([group({ ids: ["a"], savedAt: [2n ** 62n] })]), "INVALID_ENVELOPE"],
  "times that add up to more than 64 bits": [batch([group({ ...two, createdAt: [1n, MAX_SINT64] })]), "INVALID_BATCH"],
  "versions that add up to less than 64 bits": [
    batch([group({ ...two, savedAt: [-2n, -MAX_SINT64] })]),
    "INVALID_BATCH",
  ],
  "times that add up to more than 64 bits, and rests with others": [
    batch([
      group({
        ...two,
        createdAt: [1n, MAX_SINT64],
        rest: Array(2).fill(envelopeBytes({ createdAt: timestamp(1n, 5) })),
      }),
    ]),
    "INVALID_BATCH",
  ],
  "headers that are shared, and a rest": [withRest(envelopeBytes({ headers: { a: "1" } })), "INVALID_BATCH"],
  "an attempt that is shared, and a rest": [withRest(envelopeBytes({ attempt: 1 })), "INVALID_BATCH"],
  "a time that is shared, and a rest": [withRest(envelopeBytes({ createdAt: timestamp(1n) })), "INVALID_BATCH"],
  "an id that is shared, and a rest": [withRest(envelopeBytes({ id: "a" })), "INVALID_BATCH"],
  "an unknown field that is shared, and an empty rest": [withRest(unknownFields(), new Uint8Array()), "INVALID_BATCH"],
  "a rest that is no envelope": [batch([group({ ids: ["a"], rest: [Uint8Array.of(0x0a, 9)] })]), "INVALID_ENVELOPE"],
};

export const batchCases: readonly BatchCase[] = [
  ...Object.entries(batches).map(([name, [binary, envelopes]]) => ({
    name,
    binary: base64(binary),
    envelopes: envelopes.map(base64),
    code: null,
  })),
  ...Object.entries(refused).map(([name, [binary, code]]) => ({ name, binary: base64(binary), envelopes: [], code })),
];
