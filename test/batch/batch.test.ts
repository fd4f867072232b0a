import { deepStrictEqual } from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { configure, DataInterface, fromBatch, isTaskError, OpaqueTask, toBatch } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test, vi } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { type TaskBatch, TaskBatchSchema, type TaskGroup } from "../../gen/taskledger/v1/batch_pb.js";
import { thrownBy } from "../runtime/failure.js";
import { described, filesToFetch, mixedTasks, tasks, types } from "./mixed-tasks.js";

vi.setConfig({ testTimeout: 60_000 });

const strangers = new DataInterface({ types: [], adapter: new MemoryAdapter() });

describe("a batch of any tasks", () => {
  test("gives the same tasks in the same order, byte for byte", () => {
    fc.assert(
      fc.property(mixedTasks, (given) => deepStrictEqual(described(tasks.fromBatch(toBatch(given))), described(given))),
      { numRuns: 200 },
    );
  });

  test("comes through a process that knows none of the types", () => {
    fc.assert(
      fc.property(mixedTasks, (given) => {
        const passedOn = strangers.fromBatch(toBatch(given));
        expect(passedOn.every((task) => task instanceof OpaqueTask)).toBe(true);
        deepStrictEqual(described(tasks.fromBatch(toBatch(passedOn))), described(given));
      }),
    );
  });
});

test("a batch of no tasks has no bytes", () => {
  expect(toBatch([])).toEqual(new Uint8Array());
  expect(tasks.fromBatch(new Uint8Array())).toEqual([]);
});

test("a batch begins with the bytes by which it is told from an envelope", () => {
  const batch = toBatch(filesToFetch(1));
  expect([...batch.subarray(0, 2)]).toEqual([0x82, 0x01]);
  expect(thrownBy(() => tasks.fromBinary(batch))).toMatchObject({ code: "INVALID_ENVELOPE" });
});

test("tasks go into a batch as they are now", () => {
  const [task] = filesToFetch(1) as [FetchFileTask];
  task.data.filename = "changed.txt";
  task.envelope.headers.tenant = "acme";
  expect(tasks.fromBatch(toBatch([task]))).toMatchObject([
    { filename: "changed.txt", envelope: { headers: { tenant: "acme" } } },
  ]);
});

test("tasks of one list and type share their list, type, attempt and headers", () => {
  const given = filesToFetch(1000);
  for (const task of given) task.envelope.headers.tenant = "acme";
  const { groups, order } = fromBinary(TaskBatchSchema, toBatch(given));
  expect(groups).toMatchObject([{ shared: { taskList: "datto.com", headers: { tenant: "acme" } }, rest: [] }]);
  expect(order).toEqual([]);
});

test("what readers get shares no memory with the batch", () => {
  const batch = toBatch([...filesToFetch(1), ...strangers.fromBatch(toBatch(filesToFetch(1)))]);
  const [, opaque] = tasks.fromBatch(batch);
  const [stranger] = strangers.fromBatch(batch) as [OpaqueTask];
  const before = stranger.toBinary();
  batch.fill(0);
  expect(stranger.toBinary()).toEqual(before);
  expect(stranger.data.value.buffer.byteLength).toBe(stranger.data.value.length);
  expect(opaque).toBeInstanceOf(FetchFileTask);
});

test("tasks of a batch do not share their headers", () => {
  const given = filesToFetch(2);
  for (const task of given) task.envelope.headers.tenant = "acme";
  const [first, second] = tasks.fromBatch(toBatch(given)) as [FetchFileTask, FetchFileTask];
  first.envelope.headers.tenant = "other";
  expect(second.envelope.headers).toEqual({ tenant: "acme" });
});

test("a task of a batch belongs to the interface that read it", async () => {
  const [task] = filesToFetch(1) as [FetchFileTask];
  await tasks.save(task);
  const [read] = tasks.fromBatch(toBatch([task])) as [FetchFileTask];
  await read.complete();
  expect(await tasks.find(task.taskList, task.id)).toBeUndefined();
});

describe("fromBatch on its own", () => {
  test("needs no data interface where it is told the types", () => {
    const mail = SendMailTask.build({ mailbox: "box", messageId: "m1" });
    const read = fromBatch(toBatch([mail, ...filesToFetch(1)]), { types: [SendMailTask] });
    expect(read).toMatchObject([{ subject: "" }, { reason: { code: "UNKNOWN_TYPE" } }]);
  });

  test("otherwise reads with the configured one", async () => {
    const batch = toBatch(filesToFetch(1));
    expect(thrownBy(() => fromBatch(batch))).toMatchObject({ code: "NOT_CONFIGURED" });
    await using _ = configure({ types, adapter: new MemoryAdapter() });
    expect(fromBatch(batch)).toMatchObject([{ filename: "file0.txt" }]);
  });
});

describe("a limit", () => {
  test("of the batch's bytes is one for both sides", () => {
    const given = filesToFetch(100);
    const batch = toBatch(given);
    const maxBatchBytes = batch.length;
    expect(toBatch(given, { maxBatchBytes })).toHaveLength(maxBatchBytes);
    expect(tasks.fromBatch(batch, { maxBatchBytes })).toHaveLength(100);
    const tooLarge = {
      code: "TOO_LARGE",
      field: "maxBatchBytes",
      message: expect.stringMatching(`${maxBatchBytes - 1}`),
    };
    expect(thrownBy(() => toBatch(given, { maxBatchBytes: maxBatchBytes - 1 }))).toMatchObject(tooLarge);
    expect(thrownBy(() => tasks.fromBatch(batch, { maxBatchBytes: maxBatchBytes - 1 }))).toMatchObject(tooLarge);
  });

  test("of one task holds in a batch, too", async () => {
    const filename = "x".repeat(1024 * 1024);
    const [task] = filesToFetch(1, { filename }) as [FetchFileTask];
    expect(thrownBy(() => toBatch([task]))).toMatchObject({ code: "TOO_LARGE", id: task.id, field: "data" });
  });

  test("leaves room for the largest task", () => {
    const [task] = filesToFetch(1) as [FetchFileTask];
    task.data.filename = "x".repeat(1024 * 1024 - task.toBinary().length + 8);
    while (thrownBy(() => task.toBinary())) task.data.filename = task.data.filename.slice(1);
    expect(task.toBinary()).toHaveLength(1024 * 1024);
    expect(tasks.fromBatch(toBatch([task]))).toMatchObject([{ id: task.id }]);
  });

  test("of tasks is 10,000", () => {
    const [task] = filesToFetch(1) as [FetchFileTask];
    const full = Array.from({ length: 10_000 }, () => task);
    expect(tasks.fromBatch(toBatch(full))).toHaveLength(10_000);
    expect(thrownBy(() => toBatch([...full, task]))).toMatchObject({ code: "TOO_LARGE", field: "tasks" });
  });

  test("must be a whole number", () => {
    for (const maxBatchBytes of [0, 1.5, "1" as never])
      expect(thrownBy(() => toBatch([], { maxBatchBytes }))).toMatchObject({
        code: "INVALID_ARGUMENT",
        field: "maxBatchBytes",
      });
  });
});

describe("refused as INVALID_BATCH:", () => {
  const given = toBatch([...filesToFetch(3), SendMailTask.build({ mailbox: "box", messageId: "m1" })]);

  function refusal(change: (batch: TaskBatch, groups: [TaskGroup, TaskGroup]) => void): unknown {
    const batch = fromBinary(TaskBatchSchema, given);
    change(batch, batch.groups as [TaskGroup, TaskGroup]);
    return thrownBy(() => tasks.fromBatch(toBinary(TaskBatchSchema, batch)));
  }

  const unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }];
  test.each<
    [name: string, field: string | undefined, change: (batch: TaskBatch, groups: [TaskGroup, TaskGroup]) => void]
  >([
    [
      "a field that a newer version added to the batch",
      undefined,
      (batch) => Object.assign(batch, { $unknown: unknown }),
    ],
    ["one that it added to groups", "groups[1]", (_, [, two]) => Object.assign(two, { $unknown: unknown })],
    ["no order of several groups", "order", (batch) => batch.order.splice(0)],
    ["an order that is too short", "order", (batch) => batch.order.pop()],
    ["an order that is too long", "order", (batch) => batch.order.push(0)],
    ["an order that names no group", "order", (batch) => batch.order.splice(0, 1, 2)],
    ["an order that names one group too often", "order", (batch) => batch.order.splice(0, 1, 1)],
    [
      "a group without tasks",
      "groups[2].data",
      (batch) => batch.groups.push(create(TaskBatchSchema, { groups: [{}] }).groups[0] as TaskGroup),
    ],
    ["fewer ids than tasks", "groups[1].ids", (_, [, two]) => two.ids.pop()],
    ["ids in both forms", "groups[1].ids", (_, [, two]) => Object.assign(two, { uuids: new Uint8Array(16) })],
    ["half a UUID", "groups[0].ids", (_, [one]) => Object.assign(one, { uuids: one.uuids.subarray(8) })],
    ["a time too few", "groups[0].createdAt", (_, [one]) => one.createdAt.pop()],
    ["a version too many", "groups[0].savedAt", (_, [one]) => one.savedAt.push(1n, 1n, 1n, 1n)],
    ["a rest too few", "groups[0].rest", (_, [one]) => one.rest.push(new Uint8Array())],
    [
      "times that add up to more than 64 bits",
      "groups[0].createdAt",
      (_, [one]) => Object.assign(one, { createdAt: [1n, 2n ** 63n - 1n, 0n] }),
    ],
    [
      "versions that add up to less than 64 bits",
      "groups[0].savedAt",
      (_, [one]) => Object.assign(one, { savedAt: [-2n, 1n - 2n ** 63n, 2n ** 63n - 1n] }),
    ],
    [
      "rests beside headers that are shared",
      "groups[0].shared",
      (_, [one]) => {
        one.rest = [new Uint8Array(), new Uint8Array(), new Uint8Array()];
        Object.assign(one.shared ?? {}, { headers: { tenant: "acme" } });
      },
    ],
    [
      "a kilobyte to share",
      "groups[0].shared",
      (_, [one]) => Object.assign(one.shared?.headers ?? {}, { x: "x".repeat(1024) }),
    ],
  ])("%s", (_, field, change) => {
    expect(refusal(change)).toMatchObject({ code: "INVALID_BATCH", field });
  });

  test("what is no Uint8Array, or no message", () => {
    expect(thrownBy(() => tasks.fromBatch("" as never))).toMatchObject({ code: "INVALID_BATCH" });
    expect(thrownBy(() => tasks.fromBatch(given.subarray(0, -1)))).toMatchObject({ code: "INVALID_BATCH" });
  });

  test("while a task of it that breaks the rules is INVALID_ENVELOPE", () => {
    for (const createdAt of [2n ** 62n, -(2n ** 62n)])
      expect(refusal((_, [one]) => Object.assign(one, { createdAt: [createdAt, 1n, 1n] }))).toMatchObject({
        code: "INVALID_ENVELOPE",
        field: "createdAt",
      });
    expect(refusal((_, [one]) => Object.assign(one, { savedAt: [1n, -1n, 1n] }))).toMatchObject({
      code: "INVALID_ENVELOPE",
      field: "savedAt",
    });
    expect(refusal((_, [one]) => Object.assign(one, { shared: undefined }))).toMatchObject({
      code: "INVALID_ENVELOPE",
      field: "taskList",
    });
    expect(refusal((_, [one]) => one.rest.push(Uint8Array.of(8), Uint8Array.of(8), Uint8Array.of(8)))).toMatchObject({
      code: "INVALID_ENVELOPE",
    });
  });
});

test("random bytes give tasks or a TaskError, and nothing else", () => {
  const check = (bytes: Uint8Array) => {
    const error = thrownBy(() => tasks.fromBatch(bytes));
    if (error !== undefined) expect(isTaskError(error)).toBe(true);
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { numRuns: 2000 });
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(mixedTasks, damage, fc.nat(), (given, changes, cut) => {
      const bytes = toBatch(given);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      check(bytes);
      check(bytes.subarray(0, cut % (bytes.length + 1)));
    }),
    { numRuns: 300 },
  );
});
