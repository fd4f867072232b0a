import { deepStrictEqual } from "node:assert/strict";
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { DataInterface, type Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { key, messages, text, unknownFields } from "./arbitrary.js";
import { EverythingTask, LegacyTask } from "./kinds.js";

const numRuns = 120;
const someKey = { taskList: "list", id: "id" };

/** Through JSON's text, as another process gets it. */
function viaJson(task: Task): unknown {
  return JSON.parse(JSON.stringify(task));
}

describe.each([EverythingTask, LegacyTask])("random data of $type", (taskClass) => {
  const { schema } = taskClass;
  const tasks = new DataInterface({ types: [taskClass as never], adapter: new MemoryAdapter() });
  const strangers = new DataInterface({ types: [], adapter: new MemoryAdapter() });
  /** As it is once it has been sent: protobuf-es reads a 64-bit integer as a bigint, whatever it was given. */
  const data = messages(schema).map((message) => fromBinary(schema, toBinary(schema, message)));
  const check = (property: (task: Task & { data: Message }) => void) =>
    fc.assert(
      fc.property(data, (given) => property(new taskClass({ ...someKey, data: given }))),
      { numRuns },
    );

  test("comes through binary", () => {
    check((task) => {
      const read = taskClass.fromBinary(task.toBinary());
      deepStrictEqual(read.data, task.data);
      deepStrictEqual(read.toBinary(), task.toBinary());
    });
  });

  test("comes through the hash, which is JSON", () => {
    check((task) => {
      const hash = viaJson(task);
      deepStrictEqual(task.asHash(), hash);
      const read = taskClass.fromHash(hash);
      deepStrictEqual(read.data, task.data);
      deepStrictEqual(read.toBinary(), task.toBinary());
    });
  });

  test("comes through processes that do not know the type, in binary and in the hash", () => {
    check((task) => {
      const passedOn = strangers.fromHash(viaJson(strangers.fromBinary(task.toBinary())));
      deepStrictEqual(passedOn.toBinary(), task.toBinary());
      deepStrictEqual(tasks.fromHash(viaJson(passedOn)).data, task.data);
    });
  });
});

describe("a random envelope", () => {
  const seconds = fc.bigInt({ min: 0n, max: 253_402_300_799n });
  const envelopes = fc.record({
    taskList: key,
    id: key,
    data: fc.record({
      typeUrl: text.map((each) => `${each}/kinds.Everything`),
      value: messages(EverythingTask.schema, { depth: 0 }).map((data) => toBinary(EverythingTask.schema, data)),
    }),
    createdAt: fc.record({ seconds, nanos: fc.integer({ min: 0, max: 999_999_999 }) }),
    savedAt: fc.record({ seconds, nanos: fc.integer({ min: 1, max: 999_999 }).map((micros) => micros * 1000) }),
    attempt: fc.integer({ min: 0, max: 0xffff_ffff }),
    headers: fc.dictionary(text, text),
    $unknown: fc.oneof(fc.constant([]), unknownFields(TaskEnvelopeSchema)),
  });

  test("comes through binary and the hash, with all that a newer version put into it", () => {
    fc.assert(
      fc.property(envelopes, (init) => {
        const { $unknown, ...fields } = init;
        const envelope = Object.assign(create(TaskEnvelopeSchema, fields), $unknown.length > 0 && { $unknown });
        const bytes = toBinary(TaskEnvelopeSchema, envelope);
        const task = EverythingTask.fromBinary(bytes);
        expect(task).toMatchObject({ taskList: init.taskList, id: init.id, type: "kinds.Everything" });
        deepStrictEqual(task.toBinary(), bytes);
        deepStrictEqual(EverythingTask.fromHash(viaJson(task)).toBinary(), bytes);
      }),
      { numRuns },
    );
  });

  test("is found under keys of every awkward character", async () => {
    const tasks = new DataInterface({ types: [EverythingTask as never], adapter: new MemoryAdapter() });
    await fc.assert(
      fc.asyncProperty(key, key, text, async (taskList, id, value) => {
        await tasks.save(EverythingTask.build({ taskList, id, text: value }));
        expect(await tasks.find(taskList, id)).toMatchObject({ taskList, id, data: { text: value } });
        const ids: string[] = [];
        for await (const task of tasks.all(taskList)) ids.push(task.id);
        expect(ids).toContain(id);
      }),
      { numRuns },
    );
  });
});
