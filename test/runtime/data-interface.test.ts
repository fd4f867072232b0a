import { type Adapter, DataInterface, OpaqueTask, TaskError } from "taskledger";
import type { AllOptions, SaveEntry } from "taskledger/adapter";
import { MemoryAdapter } from "taskledger/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { failureOf } from "./failure.js";
import { idsOf, recordingStore, standBefore } from "./stores.js";

const types = [FetchFileTask, SendMailTask];
const key = { taskList: "datto.com", id: "file1" };

let adapter: Adapter;
let tasks: DataInterface<(typeof types)[number]>;

beforeEach(() => {
  adapter = new MemoryAdapter();
  tasks = new DataInterface({ types, adapter });
});

describe("save", () => {
  test("gives the task itself, with its version", async () => {
    const before = BigInt(Date.now()) * 1000n;
    const task = FetchFileTask.build(key);
    expect(await tasks.save(task)).toBe(task);
    expect(task.envelope.savedAt).toBeGreaterThanOrEqual(before);
  });

  test("opens the task, so that it is found with all that it holds", async () => {
    const headers = { traceparent: "00-1-2-03" };
    const task = FetchFileTask.build({ ...key, filename: "file1.txt", size: 5n }, { headers });
    await tasks.save(task);
    const found = await tasks.find("datto.com", "file1");
    expect(found).toBeInstanceOf(FetchFileTask);
    expect(found).not.toBe(task);
    expect(found?.toBinary()).toEqual(task.toBinary());
  });

  test("overwrites what is there under the same list and id, of whatever type", async () => {
    await tasks.create(FetchFileTask, { ...key, filename: "old.txt" });
    await tasks.save(new SendMailTask({ ...key, data: { subject: "new" } }));
    expect(await tasks.find("datto.com", "file1")).toMatchObject({ subject: "new" });
    expect(await idsOf(tasks.all("datto.com"))).toEqual(["file1"]);
  });

  test("gives a later version each time, and moves the task to the end of its list", async () => {
    const [first] = [
      await tasks.create(FetchFileTask, key),
      await tasks.create(FetchFileTask, { ...key, id: "file2" }),
    ];
    const version = first.envelope.savedAt as bigint;
    await tasks.save(first);
    expect(first.envelope.savedAt).toBeGreaterThan(version);
    expect(await idsOf(tasks.all("datto.com"))).toEqual(["file2", "file1"]);
  });

  test("saves the task as it was when it was called, whatever is done to it meanwhile", async () => {
    const task = FetchFileTask.build({ ...key, filename: "as it was" }, { headers: { a: "1" } });
    const saved = tasks.save(task);
    task.data.filename = "changed";
    task.envelope.headers.a = "2";
    await saved;
    expect(await tasks.find("datto.com", "file1")).toMatchObject({
      filename: "as it was",
      envelope: { headers: { a: "1" } },
    });
    expect(task.filename).toBe("changed");
  });

  test("of a type that is not registered is refused: it could not be read back", async () => {
    const store = recordingStore();
    const mails = new DataInterface({ types: [SendMailTask], adapter: store });
    expect(await failureOf(() => mails.save(FetchFileTask.build(key)))).toMatchObject({
      code: "UNKNOWN_TYPE",
      field: "types",
      ...key,
      message:
        "example.v1.FetchFile is not registered in this data interface, which could not read it back: add its class to types",
    });
    expect(store.calls).toEqual([]);
  });

  test("of an object that is being saved already keeps the later version", async () => {
    const task = FetchFileTask.build({ ...key, filename: "first" });
    const first = tasks.save(task);
    task.data.filename = "second";
    const second = tasks.save(task);
    await Promise.all([first, second]);
    const found = await tasks.find("datto.com", "file1");
    expect(found).toMatchObject({ filename: "second", envelope: { savedAt: task.envelope.savedAt } });
    await tasks.complete(task);
    expect(await tasks.find("datto.com", "file1")).toBeUndefined();
  });

  test("of one object keeps the later version, in whatever order the store answers", async () => {
    const answers: (() => void)[] = [];
    const slow = standBefore(adapter, {
      async save(entries) {
        const outcomes = await adapter.save(entries);
        await new Promise<void>((resolve) => answers.push(resolve));
        return outcomes;
      },
    });
    tasks = new DataInterface({ types, adapter: slow });
    const task = FetchFileTask.build(key);
    const saves = [tasks.save(task), tasks.save(task)];
    await new Promise(setImmediate);
    for (const answer of answers.toReversed()) answer();
    await Promise.all(saves);
    const found = await tasks.find("datto.com", "file1");
    expect(found?.envelope.savedAt).toBe(task.envelope.savedAt);
  });
});

describe("a save of unknown outcome", () => {
  const unknown = new TaskError("TIMEOUT", "no answer in time", { outcome: "unknown" });

  /** Answers the next save so, whether or not it is applied. */
  function interfaceWhere({ isApplied, tellsVersion }: { isApplied: boolean; tellsVersion: boolean }) {
    const entries: SaveEntry[] = [];
    let isFailing = false;
    const store = standBefore(adapter, {
      async save(batch) {
        entries.push(...batch);
        if (!isFailing) return adapter.save(batch);
        isFailing = false;
        const [outcome] = await (isApplied ? adapter : new MemoryAdapter()).save(batch);
        const attempted = outcome?.ok && tellsVersion ? outcome.value : undefined;
        return [{ ok: false, error: unknown, attempted }];
      },
    });
    const fail = () => {
      isFailing = true;
    };
    return { tasks: new DataInterface({ types, adapter: store }), entries, fail };
  }

  test("rejects with the adapter's own error", async () => {
    const { tasks, fail } = interfaceWhere({ isApplied: false, tellsVersion: true });
    fail();
    expect(await failureOf(() => tasks.save(FetchFileTask.build(key)))).toBe(unknown);
  });

  test.each([true, false])("gives the task the version that was tried (applied: %s)", async (isApplied) => {
    const { tasks, fail } = interfaceWhere({ isApplied, tellsVersion: true });
    const task = FetchFileTask.build(key);
    fail();
    await failureOf(() => tasks.save(task));
    expect(task.envelope.savedAt).toBeTypeOf("bigint");
    await tasks.complete(task);
    expect(await tasks.find("datto.com", "file1")).toBeUndefined();
  });

  test.each([true, false])("lets complete remove the older version, too (applied: %s)", async (isApplied) => {
    const { tasks, fail } = interfaceWhere({ isApplied, tellsVersion: true });
    const task = await tasks.create(FetchFileTask, key);
    const older = task.envelope.savedAt as bigint;
    fail();
    await failureOf(() => tasks.save(task));
    expect(task.envelope.savedAt).toBeGreaterThan(older);
    await tasks.complete(task);
    expect(await idsOf(tasks.all("datto.com"))).toEqual([]);
  });

  test("is told to the next save, with all that may be left behind it, until one succeeds", async () => {
    const { tasks, entries, fail } = interfaceWhere({ isApplied: false, tellsVersion: true });
    const task = FetchFileTask.build(key);
    const versions: (bigint | undefined)[] = [];
    for (const isFailing of [false, true, true, false, false]) {
      if (isFailing) fail();
      await tasks.save(task).catch(() => undefined);
      versions.push(task.envelope.savedAt);
    }
    const [first, second, third, fourth] = versions;
    expect(entries.map(({ replaces }) => replaces)).toEqual([
      [],
      [first],
      [second, first],
      [third, second, first],
      [fourth],
    ]);
  });

  test("leaves the task's version as it was where none is told", async () => {
    const { tasks, fail } = interfaceWhere({ isApplied: true, tellsVersion: false });
    const task = await tasks.create(FetchFileTask, key);
    const version = task.envelope.savedAt;
    fail();
    await failureOf(() => tasks.save(task));
    expect(task.envelope.savedAt).toBe(version);
  });

  test("of a first save without a version leaves the task unsaved", async () => {
    const { tasks, fail } = interfaceWhere({ isApplied: true, tellsVersion: false });
    const task = FetchFileTask.build(key);
    fail();
    await failureOf(() => tasks.save(task));
    expect(await failureOf(() => tasks.complete(task))).toMatchObject({ code: "NOT_SAVED" });
    await tasks.save(task);
    await tasks.complete(task);
    expect(await tasks.find("datto.com", "file1")).toBeUndefined();
  });

  test("is what an adapter without an outcome is taken for", async () => {
    const store = standBefore(adapter, { save: async () => [], complete: async () => [] });
    const broken = new DataInterface({ types, adapter: store });
    const task = await tasks.create(FetchFileTask, key);
    const copy = FetchFileTask.fromBinary(task.toBinary());
    for (const act of [() => broken.save(copy), () => broken.complete(copy)])
      expect(await failureOf(act)).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
  });
});

describe("find", () => {
  test("gives undefined for what is not open", async () => {
    expect(await tasks.find("datto.com", "file1")).toBeUndefined();
    await tasks.complete(await tasks.create(FetchFileTask, key));
    expect(await tasks.find("datto.com", "file1")).toBeUndefined();
  });

  test("parts lists: one id may be open in two of them", async () => {
    await tasks.create(FetchFileTask, { taskList: "a", id: "1", filename: "in a" });
    await tasks.create(FetchFileTask, { taskList: "b", id: "1", filename: "in b" });
    expect(await tasks.find("a", "1")).toMatchObject({ filename: "in a" });
    expect(await tasks.find("b", "1")).toMatchObject({ filename: "in b" });
  });

  test("gives a task that completes the version that was found, also after its bytes have travelled", async () => {
    await tasks.create(FetchFileTask, key);
    const found = (await tasks.find("datto.com", "file1")) as FetchFileTask;
    await tasks.complete(tasks.fromBinary(found.toBinary()));
    expect(await tasks.find("datto.com", "file1")).toBeUndefined();
  });
});

describe("all", () => {
  const saveSome = async (count: number) => {
    const saved: FetchFileTask[] = [];
    for (let i = 0; i < count; i++) saved.push(await tasks.create(FetchFileTask, { taskList: "l", id: `${i}` }));
    return saved;
  };

  test("gives the open tasks of a list, oldest first", async () => {
    const saved = await saveSome(5);
    await tasks.complete(saved[1] as FetchFileTask);
    await tasks.save(saved[0] as FetchFileTask);
    await tasks.create(FetchFileTask, { taskList: "another", id: "x" });
    expect(await idsOf(tasks.all("l"))).toEqual(["2", "3", "4", "0"]);
  });

  test("gives nothing for a list that has none", async () => {
    expect(await idsOf(tasks.all("nobody"))).toEqual([]);
  });

  test("may be left early, and gives nothing then", async () => {
    await saveSome(3);
    const all = tasks.all("l");
    for await (const task of all) {
      expect(task.id).toBe("0");
      break;
    }
    expect(await all.next()).toEqual({ done: true, value: undefined });
  });

  test("reads a page when it is asked for, not before", async () => {
    const store = recordingStore();
    tasks = new DataInterface({ types, adapter: store });
    await saveSome(1);
    store.calls.length = 0;
    const all = tasks.all("l");
    await new Promise(setImmediate);
    expect(store.calls).toEqual([]);
    await all.next();
    expect(store.calls).toEqual(["all l"]);
  });

  test("gives tasks that can be completed on the way", async () => {
    await saveSome(4);
    for await (const task of tasks.all("l")) await tasks.complete(task);
    expect(await idsOf(tasks.all("l"))).toEqual([]);
  });

  test.each(["a version", "a Date"])("stops before %s that it is given", async (kind) => {
    const saved = await saveSome(3);
    const version = saved[2]?.envelope.savedAt as bigint;
    const savedBefore = kind === "a version" ? version : new Date(Number(version / 1000n) - 60_000);
    expect(await idsOf(tasks.all("l", { savedBefore }))).toEqual(kind === "a version" ? ["0", "1"] : []);
    expect(await idsOf(tasks.all("l", { savedBefore: new Date(Date.now() + 60_000) }))).toEqual(["0", "1", "2"]);
  });

  test("goes through a list a few tasks at a time: each time behind the last", async () => {
    await saveSome(7);
    const pages: string[][] = [];
    for (let after = 0n, isEnd = false; !isEnd; ) {
      const page: string[] = [];
      for await (const { id, envelope } of tasks.all("l", { after, limit: 3 })) {
        page.push(id);
        after = envelope.savedAt ?? 0n;
      }
      pages.push(page);
      isEnd = page.length === 0;
    }
    expect(pages).toEqual([["0", "1", "2"], ["3", "4", "5"], ["6"], []]);
  });

  test("asks the store for no more than the limit", async () => {
    const asked: AllOptions[] = [];
    const store = new MemoryAdapter();
    const adapter = standBefore(store, {
      all: (list: string, options: AllOptions) => {
        asked.push(options);
        return store.all(list, options);
      },
    });
    tasks = new DataInterface({ types, adapter });
    await saveSome(5);
    expect(await idsOf(tasks.all("l", { limit: 2 }))).toEqual(["0", "1"]);
    expect(asked).toMatchObject([{ pageSize: 2 }]);
  });
});

describe("complete", () => {
  test("removes a task, and gives nothing", async () => {
    expect(await tasks.complete(await tasks.create(FetchFileTask, key))).toBeUndefined();
    expect(await tasks.find("datto.com", "file1")).toBeUndefined();
  });

  test("leaves a task that was saved again while the worker was busy", async () => {
    const generated = await tasks.create(FetchFileTask, { ...key, filename: "old.txt" });
    const work = tasks.fromBinary(generated.toBinary());
    generated.data.filename = "new.txt";
    await tasks.save(generated);
    await tasks.complete(work);
    expect(await tasks.find("datto.com", "file1")).toMatchObject({ filename: "new.txt" });
  });

  test("of a task that is not there any more is no error", async () => {
    const task = await tasks.create(FetchFileTask, key);
    await tasks.complete(task);
    await tasks.complete(task);
  });

  test("of a task that has no version is refused, with what to do", async () => {
    const store = recordingStore();
    tasks = new DataInterface({ types, adapter: store });
    const unsaved = FetchFileTask.build(key);
    const sentTooEarly = tasks.fromBinary(unsaved.toBinary());
    for (const task of [unsaved, sentTooEarly])
      expect(await failureOf(() => tasks.complete(task))).toMatchObject({
        code: "NOT_SAVED",
        field: "savedAt",
        outcome: "not-applied",
        ...key,
        message:
          "the task has no version: it was not saved, or its bytes were taken before the save; serialize after saving",
      });
    expect(store.calls).toEqual([]);
  });

  test("lets the task be saved, which opens it again", async () => {
    const task = await tasks.create(FetchFileTask, key);
    await tasks.complete(task);
    await tasks.save(task);
    expect(await tasks.find("datto.com", "file1")).toBeDefined();
  });
});

describe("create", () => {
  test("builds and saves, with headers", async () => {
    const task = await tasks.create(FetchFileTask, key, { headers: { a: "b" } });
    expect(task).toBeInstanceOf(FetchFileTask);
    expect(await tasks.find("datto.com", "file1")).toMatchObject({ envelope: { headers: { a: "b" } } });
  });

  test("takes a class that extends a registered one", async () => {
    class FetchFile extends FetchFileTask {}
    expect(await tasks.create(FetchFile, key)).toBeInstanceOf(FetchFile);
    expect(await tasks.find("datto.com", "file1")).not.toBeInstanceOf(FetchFile);
  });
});

describe("several data interfaces at once", () => {
  let here: DataInterface<typeof FetchFileTask>;
  let there: DataInterface<typeof FetchFileTask>;

  beforeEach(() => {
    here = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    there = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
  });

  test("a task goes back to the one that it came from", async () => {
    await here.create(FetchFileTask, { ...key, filename: "a" });
    for (const task of [
      (await here.find("datto.com", "file1")) as FetchFileTask,
      here.fromBinary((await here.create(FetchFileTask, key)).toBinary()),
      here.fromHash((await here.create(FetchFileTask, key)).asHash()),
    ]) {
      await task.save();
      expect(await idsOf(here.all("datto.com"))).toEqual(["file1"]);
      await task.complete();
      expect(await idsOf(here.all("datto.com"))).toEqual([]);
      expect(await idsOf(there.all("datto.com"))).toEqual([]);
    }
  });

  test("completing a task elsewhere is refused: its version says nothing there", async () => {
    const task = await here.create(FetchFileTask, key);
    const error = await failureOf(() => there.complete(task));
    expect(error).toMatchObject({ code: "NOT_SAVED", field: "savedAt" });
    expect(error.message).toContain("another data interface; complete it there");
  });

  test("saving a task to another makes it belong there, and leaves it open here", async () => {
    const task = await here.create(FetchFileTask, key);
    await there.save(task);
    await task.complete();
    expect(await there.find("datto.com", "file1")).toBeUndefined();
    expect(await here.find("datto.com", "file1")).toBeDefined();
    expect(await failureOf(() => here.complete(task))).toMatchObject({ code: "NOT_SAVED" });
  });

  test("a save does not tell one store the versions of another", async () => {
    const entries: SaveEntry[] = [];
    const store = new MemoryAdapter();
    const save: Adapter["save"] = (batch) => {
      entries.push(...batch);
      return store.save(batch);
    };
    const task = await here.create(FetchFileTask, key);
    await new DataInterface({ types: [FetchFileTask], adapter: standBefore(store, { save }) }).save(task);
    expect(entries.map(({ replaces }) => replaces)).toEqual([[]]);
  });

  test("a task that was read by its class alone belongs to none, and is completed where it is", async () => {
    const task = FetchFileTask.fromBinary((await here.create(FetchFileTask, key)).toBinary());
    await here.complete(task);
    expect(await here.find("datto.com", "file1")).toBeUndefined();
  });

  test("one type may be of another class in each", async () => {
    class FetchFile extends FetchFileTask {}
    const others = new DataInterface({ types: [FetchFile], adapter: new MemoryAdapter() });
    const bytes = FetchFileTask.build(key).toBinary();
    expect(others.fromBinary(bytes)).toBeInstanceOf(FetchFile);
    expect(here.fromBinary(bytes)).not.toBeInstanceOf(FetchFile);
  });
});

describe("close", () => {
  test("closes the adapter once, and lets nothing through then", async () => {
    const store = recordingStore();
    tasks = new DataInterface({ types, adapter: store });
    const task = await tasks.create(FetchFileTask, key);
    await Promise.all([tasks.close(), tasks.close()]);
    expect(store.calls).toEqual(["save 1", "close"]);
    const acts = [
      () => tasks.save(task),
      () => tasks.find("datto.com", "file1"),
      () => tasks.all("datto.com").next(),
      () => tasks.complete(task),
    ];
    for (const act of acts) expect(await failureOf(act)).toMatchObject({ code: "CLOSED" });
  });

  test("comes with the end of an `await using` block", async () => {
    const store = recordingStore();
    {
      await using tasks = new DataInterface({ types, adapter: store });
      await tasks.create(FetchFileTask, key);
    }
    expect(store.calls).toEqual(["save 1", "close"]);
  });

  test("of an interface that was never used builds no adapter, and none is built later", async () => {
    let built = 0;
    const adapterBuilder = () => {
      built++;
      return new MemoryAdapter();
    };
    tasks = new DataInterface({ types, adapterBuilder });
    await tasks.close();
    expect(await failureOf(() => tasks.find("l", "i"))).toMatchObject({
      code: "CLOSED",
      message: "the data interface has been closed",
    });
    expect(built).toBe(0);
  });
});

describe("an adapter builder", () => {
  test("is called when the adapter is first needed, once, with the size limit", async () => {
    const calls: unknown[] = [];
    const adapterBuilder = (options: unknown) => {
      calls.push(options);
      return new MemoryAdapter();
    };
    tasks = new DataInterface({ types, adapterBuilder, maxTaskBytes: 1000 });
    tasks.fromBinary(FetchFileTask.build(key).toBinary());
    expect(calls).toEqual([]);
    await Promise.all([tasks.create(FetchFileTask, key), tasks.find("l", "i")]);
    expect(calls).toEqual([{ maxTaskBytes: 1000 }]);
    expect(tasks.adapter).toBeInstanceOf(MemoryAdapter);
  });

  test("that fails is called again by the next who needs it", async () => {
    let isReady = false;
    const adapterBuilder = () => {
      if (!isReady) throw new Error("not ready");
      return new MemoryAdapter();
    };
    tasks = new DataInterface({ types, adapterBuilder });
    await expect(tasks.find("l", "i")).rejects.toThrow("not ready");
    isReady = true;
    expect(await tasks.find("l", "i")).toBeUndefined();
  });

  test("has to return an adapter, not the promise of one", async () => {
    tasks = new DataInterface({ types, adapterBuilder: (async () => new MemoryAdapter()) as never });
    expect(await failureOf(() => tasks.find("l", "i"))).toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "adapterBuilder",
      message:
        "adapterBuilder: expected it to return an adapter (open, save, find, all, complete, close), " +
        "got an object (Promise); await it first",
    });
  });
});

describe("a task of an unknown type", () => {
  test("is opaque, tells why, and can be listed, saved and completed", async () => {
    const known = await tasks.create(FetchFileTask, { ...key, filename: "file1.txt" });
    const strangers = new DataInterface({ types: [], adapter });
    const opaque = (await strangers.find("datto.com", "file1")) as OpaqueTask;
    expect(opaque).toBeInstanceOf(OpaqueTask);
    expect(opaque).toMatchObject({ ...key, type: "example.v1.FetchFile", reason: { code: "UNKNOWN_TYPE", ...key } });
    expect(opaque.toBinary()).toEqual(known.toBinary());
    await opaque.save();
    expect(await tasks.find("datto.com", "file1")).toMatchObject({ filename: "file1.txt" });
    expect(await idsOf(strangers.all("datto.com"))).toEqual(["file1"]);
    await opaque.complete();
    expect(await idsOf(strangers.all("datto.com"))).toEqual([]);
  });

  test("throws its reason when it is executed", async () => {
    const strangers = new DataInterface({ types: [], adapter });
    const opaque = strangers.fromBinary(FetchFileTask.build(key).toBinary()) as OpaqueTask;
    await expect(opaque.execute()).rejects.toBe(opaque.reason);
  });
});
