import { CompositeTask, configure, DataInterface, existingTasks, OpaqueTask, Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { afterEach, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { failureOf } from "./failure.js";
import { idsOf, recordingStore } from "./stores.js";

const key = { taskList: "datto.com", id: "file1" };
let configured: DataInterface | undefined;

function configureMemory(types: readonly unknown[], adapter = new MemoryAdapter()): DataInterface {
  configured = configure({ types: types as never, adapter });
  return configured;
}

afterEach(async () => {
  await configured?.close();
  configured = undefined;
});

describe("configure", () => {
  test("makes the interface that tasks go to which belong to none", async () => {
    const tasks = configureMemory([FetchFileTask]);
    const task = FetchFileTask.build({ ...key, filename: "file1.txt" });
    expect(await task.save()).toBe(task);
    expect(await tasks.find("datto.com", "file1")).toMatchObject({ filename: "file1.txt" });
    expect(await Task.find("datto.com", "file1")).toBeInstanceOf(FetchFileTask);
    expect(await idsOf(Task.all("datto.com"))).toEqual(["file1"]);
    await task.complete();
    expect(await Task.find("datto.com", "file1")).toBeUndefined();
  });

  test("opens nothing before it is needed", async () => {
    let isBuilt = false;
    configured = configure({
      types: [FetchFileTask],
      adapterBuilder: () => {
        isBuilt = true;
        return new MemoryAdapter();
      },
    }) as never;
    const task = FetchFileTask.build(key);
    Task.fromBinary(task.toBinary());
    expect(isBuilt).toBe(false);
    await task.save();
    expect(isBuilt).toBe(true);
  });

  test("is refused a second time, until what it gave is closed", async () => {
    const tasks = configureMemory([FetchFileTask]);
    expect(await failureOf(() => configure({ types: [], adapter: new MemoryAdapter() }))).toMatchObject({
      code: "ALREADY_CONFIGURED",
    });
    await tasks.close();
    expect(await failureOf(() => Task.find("l", "i"))).toMatchObject({ code: "NOT_CONFIGURED" });
    expect(configureMemory([FetchFileTask])).not.toBe(tasks);
  });

  test("that fails leaves nothing configured", async () => {
    await failureOf(() =>
      configure({ types: [FetchFileTask, class extends FetchFileTask {}], adapter: recordingStore() }),
    );
    configureMemory([FetchFileTask]);
  });

  test("does not move tasks that belong to an interface of their own", async () => {
    configureMemory([FetchFileTask]);
    const own = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    await (await own.create(FetchFileTask, key)).complete();
    expect(await own.find("datto.com", "file1")).toBeUndefined();
    await own.close();
    expect(await Task.find("datto.com", "file1")).toBeUndefined();
  });
});

describe("without a configured interface", () => {
  test("what needs one tells what to do", async () => {
    const task = FetchFileTask.build(key);
    const bytes = task.toBinary();
    const acts = [
      () => task.save(),
      () => task.complete(),
      () => FetchFileTask.create(key),
      () => FetchFileTask.find("l", "i"),
      () => FetchFileTask.all("l"),
      () => Task.fromBinary(bytes),
      () => Task.fromHash(task.asHash()),
      () => idsOf(existingTasks("l")),
      () =>
        CompositeTask.build({ taskList: "l", childTaskList: "c" }).execute({ signal: new AbortController().signal }),
    ];
    for (const act of acts)
      expect(await failureOf(act)).toMatchObject({
        code: "NOT_CONFIGURED",
        message:
          "no data interface is configured: call configure({ types, adapter }) first, or use a DataInterface of your own",
      });
  });

  test("a class of its own reads bytes and hashes of its type", () => {
    const task = FetchFileTask.build(key);
    expect(FetchFileTask.fromBinary(task.toBinary())).toBeInstanceOf(FetchFileTask);
    expect(FetchFileTask.fromHash(task.asHash())).toBeInstanceOf(FetchFileTask);
  });
});

describe("a class of its own", () => {
  class FetchFile extends FetchFileTask {
    override async execute(): Promise<string> {
      return `fetched ${this.filename}`;
    }
  }

  test("gives tasks of its class, whichever class is registered", async () => {
    configureMemory([FetchFileTask]);
    await FetchFileTask.create({ ...key, filename: "file1.txt" });
    const found = (await FetchFile.find("datto.com", "file1")) as FetchFile;
    for await (const task of FetchFile.all("datto.com")) expect(task).toBeInstanceOf(FetchFile);
    expect(await found.execute()).toBe("fetched file1.txt");
    expect(FetchFile.fromBinary(found.toBinary())).toBeInstanceOf(FetchFile);
    expect(FetchFile.fromHash(found.asHash())).toBeInstanceOf(FetchFile);
    await found.complete();
    expect(await FetchFile.find("datto.com", "file1")).toBeUndefined();
  });

  test("is what Task.find gives where it is registered", async () => {
    configureMemory([FetchFile]);
    expect(await FetchFile.create(key)).toBeInstanceOf(FetchFile);
    expect(await Task.find("datto.com", "file1")).toBeInstanceOf(FetchFile);
  });

  test("reads its own type where that is not registered", async () => {
    const tasks = configureMemory([SendMailTask]);
    const adapter = tasks.adapter;
    await new DataInterface({ types: [FetchFileTask], adapter }).create(FetchFileTask, { ...key, filename: "f" });
    expect(await Task.find("datto.com", "file1")).toBeInstanceOf(OpaqueTask);
    expect(await FetchFile.find("datto.com", "file1")).toMatchObject({ filename: "f" });
    expect(await idsOf(FetchFile.all("datto.com"))).toEqual(["file1"]);
  });

  test("throws for a task of another type, and does not call it absent", async () => {
    configureMemory([FetchFileTask, SendMailTask]);
    const mail = await SendMailTask.create({ mailbox: "datto.com", messageId: "file1" });
    const acts = [
      () => FetchFile.find("datto.com", "file1"),
      () => FetchFile.fromBinary(mail.toBinary()),
      () => FetchFile.fromHash(mail.asHash()),
    ];
    for (const act of acts) {
      const error = await failureOf(act);
      expect(error).toMatchObject({ code: "TYPE_MISMATCH", field: "data" });
      expect(error.message).toContain("is of type example.v1.SendMail, not example.v1.FetchFile");
    }
    expect(await failureOf(acts[0] as () => unknown)).toMatchObject(key);
  });

  test("passes over tasks of other types in a list", async () => {
    configureMemory([FetchFileTask, SendMailTask]);
    await SendMailTask.create({ mailbox: "datto.com", messageId: "mail1" });
    await FetchFileTask.create(key);
    expect(await idsOf(FetchFile.all("datto.com"))).toEqual(["file1"]);
    expect(await idsOf(Task.all("datto.com"))).toEqual(["mail1", "file1"]);
  });

  test("has no tasks of no type: OpaqueTask gives the opaque ones only", async () => {
    const tasks = configureMemory([FetchFileTask]);
    const others = new DataInterface({ types: [SendMailTask], adapter: tasks.adapter });
    await FetchFileTask.create(key);
    await others.create(SendMailTask, { mailbox: "datto.com", messageId: "mail1" });
    expect(await idsOf(OpaqueTask.all("datto.com"))).toEqual(["mail1"]);
    expect(await OpaqueTask.find("datto.com", "mail1")).toBeInstanceOf(OpaqueTask);
    const known = FetchFileTask.build(key);
    for (const act of [
      () => OpaqueTask.find("datto.com", "file1"),
      () => OpaqueTask.fromBinary(known.toBinary()),
      () => OpaqueTask.fromHash(known.asHash()),
    ])
      expect(await failureOf(act)).toMatchObject({
        code: "TYPE_MISMATCH",
        message: "the task is of type example.v1.FetchFile, not OpaqueTask",
      });
  });
});

describe("execute", () => {
  test("of a class that has none says how to write it", async () => {
    const task = FetchFileTask.build(key);
    const error = await failureOf(() => task.execute({ signal: new AbortController().signal }));
    expect(error).toMatchObject({ code: "NOT_IMPLEMENTED", ...key });
    expect(error.message).toBe(
      "example.v1.FetchFile has no execute: extend its generated class, override execute, and register that class",
    );
  });
});
