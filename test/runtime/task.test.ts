import { Console } from "node:console";
import { inspect } from "node:util";
import { toBinary } from "@bufbuild/protobuf";
import { DataInterface, OpaqueTask, Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test, vi } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { reservedTaskMembers } from "../../src/core/reserved.js";
import { envelopeOf } from "./envelopes.js";
import { failureOf } from "./failure.js";
import { idsOf } from "./stores.js";

const key = { taskList: "datto.com", id: "file1" };

function interfaceOf(...types: (typeof FetchFileTask | typeof SendMailTask)[]) {
  return new DataInterface({ types, adapter: new MemoryAdapter() });
}

describe("the bytes of a task", () => {
  test("are those of a taskledger.v1.TaskEnvelope", () => {
    const createdAt = new Date(1_700_000_000_123);
    const task = FetchFileTask.build({ ...key, filename: "f" }, { createdAt, headers: { a: "b" } });
    const { data } = task;
    const expected = envelopeOf("example.v1.FetchFile", toBinary(FetchFileTask.schema, data), {
      ...key,
      createdAt: { seconds: 1_700_000_000n, nanos: 123_000_000 },
      headers: { a: "b" },
    });
    expect(task.toBinary()).toEqual(expected);
  });

  test("give the task back, with its class", () => {
    const task = FetchFileTask.build({ ...key, filename: "file1.txt", size: -1n }, { headers: { a: "b" } });
    for (const read of [
      FetchFileTask.fromBinary(task.toBinary()),
      interfaceOf(FetchFileTask).fromBinary(task.toBinary()),
    ]) {
      expect(read).toBeInstanceOf(FetchFileTask);
      expect(read).toMatchObject({ ...key, filename: "file1.txt", size: -1n });
      expect(read.envelope).toEqual(task.envelope);
    }
  });

  test("share nothing with the bytes that a task is read from", () => {
    const bytes = FetchFileTask.build({ ...key, filename: "file1.txt" }).toBinary();
    const tasks = interfaceOf(FetchFileTask);
    const read = [tasks.fromBinary(bytes), interfaceOf().fromBinary(bytes)];
    const before = bytes.slice();
    bytes.fill(0xff);
    for (const each of read.map((task) => task.toBinary())) each.fill(0xff);
    expect(read.map((task) => task.toBinary())).toEqual([before, before]);
  });

  test("have a buffer of their own, which can be transferred to another thread", () => {
    for (const filename of ["file1.txt", "x".repeat(5000)]) {
      const task = FetchFileTask.build({ ...key, filename });
      const [sent, kept] = [task.toBinary(), task.toBinary()];
      const before = kept.slice();
      expect(structuredClone(sent, { transfer: [sent.buffer] })).toEqual(before);
      expect(kept).toEqual(before);
    }
  });

  test("may be a Buffer's", () => {
    const task = FetchFileTask.build({ ...key, filename: "file1.txt" });
    expect(FetchFileTask.fromBinary(Buffer.from(task.toBinary())).filename).toBe("file1.txt");
  });

  test("keep the prefix of the type's URL", () => {
    const data = { typeUrl: "example.com/types/example.v1.FetchFile", value: new Uint8Array() };
    const bytes = envelopeOf("", new Uint8Array(), { data });
    const task = interfaceOf(FetchFileTask).fromBinary(bytes);
    expect(task).toBeInstanceOf(FetchFileTask);
    expect(task.type).toBe("example.v1.FetchFile");
    expect(task.toBinary()).toEqual(bytes);
  });

  test("keep what only other writers set: the attempt, and a moment to the nanosecond", () => {
    const bytes = envelopeOf("example.v1.FetchFile", new Uint8Array(), {
      attempt: 7,
      createdAt: { seconds: 1n, nanos: 123_456_789 },
    });
    const task = FetchFileTask.fromBinary(bytes);
    expect(task.envelope).toMatchObject({ attempt: 7, createdAt: new Date(1123) });
    expect(task.toBinary()).toEqual(bytes);
  });

  test("are as the task is at the moment", () => {
    const task = FetchFileTask.build({ ...key, filename: "before" });
    task.data.filename = "after";
    expect(FetchFileTask.fromBinary(task.toBinary()).filename).toBe("after");
  });

  test("of more than the limit are refused, written or read", async () => {
    const limited = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter(), maxTaskBytes: 200 });
    const large = FetchFileTask.build({ ...key, filename: "x".repeat(300) });
    const size = large.toBinary().length;
    for (const act of [() => limited.fromBinary(large.toBinary()), () => limited.save(large)])
      expect(await failureOf(act)).toMatchObject({ code: "TOO_LARGE", field: "data" });
    expect((await failureOf(() => limited.fromBinary(large.toBinary()))).message).toBe(
      `the task's envelope has ${size} bytes; the limit is 200 (maxTaskBytes)`,
    );
    const huge = FetchFileTask.build({ ...key, filename: "x".repeat(1024 * 1024) });
    expect(await failureOf(() => huge.toBinary())).toMatchObject({ code: "TOO_LARGE", ...key });
  });

  test("of more than the limit are read from a store all the same: they are there", async () => {
    const adapter = new MemoryAdapter();
    const generous = new DataInterface({ types: [FetchFileTask], adapter });
    await generous.create(FetchFileTask, { ...key, filename: "x".repeat(300) });
    const limited = new DataInterface({ types: [FetchFileTask], adapter, maxTaskBytes: 200 });
    expect(await limited.find("datto.com", "file1")).toMatchObject({ filename: "x".repeat(300) });
    expect(await idsOf(limited.all("datto.com"))).toEqual(["file1"]);
  });
});

describe("data of a known type that does not decode", () => {
  const broken = envelopeOf("example.v1.FetchFile", Uint8Array.of(0x0a, 0xff));

  test("makes the task opaque, with the reason, and its bytes pass through unchanged", async () => {
    const tasks = interfaceOf(FetchFileTask);
    const task = tasks.fromBinary(broken) as OpaqueTask;
    expect(task).toBeInstanceOf(OpaqueTask);
    expect(task.reason).toMatchObject({ code: "INVALID_DATA", taskList: "list", id: "id", field: "data" });
    expect(task.type).toBe("example.v1.FetchFile");
    expect(task.data).toMatchObject({ value: Uint8Array.of(0x0a, 0xff) });
    expect(task.toBinary()).toEqual(broken);
    expect(tasks.fromHash(JSON.parse(JSON.stringify(task))).toBinary()).toEqual(broken);
    await expect(task.execute()).rejects.toBe(task.reason);
  });

  test("can be saved, found, listed and completed", async () => {
    const tasks = interfaceOf(FetchFileTask);
    await tasks.save(tasks.fromBinary(broken));
    const found = (await tasks.find("list", "id")) as OpaqueTask;
    expect(found.reason.code).toBe("INVALID_DATA");
    for await (const task of tasks.all("list")) await task.complete();
    expect(await tasks.find("list", "id")).toBeUndefined();
  });

  test("is an error where its class is asked to read it", async () => {
    expect(await failureOf(() => FetchFileTask.fromBinary(broken))).toMatchObject({
      code: "INVALID_DATA",
      taskList: "list",
      id: "id",
      field: "data",
    });
  });
});

describe("a task that is printed", () => {
  test("shows its class, keys, version and data", async () => {
    const task = FetchFileTask.build({ ...key, externalHost: "datto.com", filename: "file1.txt", size: 5n });
    expect(inspect(task)).toBe(`FetchFileTask {
  taskList: 'datto.com',
  id: 'file1',
  savedAt: undefined,
  data: {
    '$typeName': 'example.v1.FetchFile',
    externalHost: 'datto.com',
    filename: 'file1.txt',
    size: 5n
  }
}`);
    await interfaceOf(FetchFileTask).save(task);
    expect(inspect(task)).toContain(`savedAt: ${task.envelope.savedAt}n,`);
  });

  test("is readable within other things, and so is an opaque one", () => {
    const task = SendMailTask.build({ mailbox: "m", messageId: "1" });
    expect(inspect({ tasks: [task] })).toContain("SendMailTask {");
    expect(inspect(interfaceOf().fromBinary(task.toBinary()))).toMatch(/^OpaqueTask \{\n {2}taskList: 'm',/);
  });

  test("does not keep classes and prototypes from being printed", () => {
    expect(inspect(FetchFileTask)).toMatch(/^\[class FetchFileTask extends Task\]/);
    expect(inspect(FetchFileTask.prototype, { showHidden: true })).toContain("Task");
  });

  test("comes out of console.log so", () => {
    const log = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    new Console(process.stdout).log(FetchFileTask.build(key));
    expect(log.mock.calls.join("")).toMatch(/^FetchFileTask \{\n {2}taskList: 'datto.com',\n {2}id: 'file1',/);
    log.mockRestore();
  });
});

describe("the members of a task", () => {
  test("are those that are reserved, so that no data field meets another", () => {
    const members = new Set([...Object.getOwnPropertyNames(Task.prototype), "then"]);
    expect([...members].toSorted()).toEqual([...reservedTaskMembers].toSorted());
  });

  test("are none of the object's own keys, of which there is one, so that it is not cloned", () => {
    expect(Object.keys(FetchFileTask.build(key))).toEqual(["not cloneable"]);
  });

  test("have no `then`: a task can be awaited", async () => {
    const task = FetchFileTask.build(key);
    expect(await task).toBe(task);
  });
});
