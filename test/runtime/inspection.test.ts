import { DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { failureOf } from "./failure.js";
import { standBefore } from "./stores.js";

let tasks: DataInterface<typeof FetchFileTask>;
beforeEach(() => {
  tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
});

const build = (id: string, taskList = "l") => FetchFileTask.build({ taskList, id });

describe("saveTogether", () => {
  test("saves all tasks, whatever their lists, and they have their versions", async () => {
    const some = [build("a"), build("b", "m")];
    await tasks.saveTogether(some);
    for (const task of some) {
      expect(task.envelope.savedAt).toBeTypeOf("bigint");
      expect(await tasks.find(task.taskList, task.id)).toBeDefined();
    }
    await some[0]?.complete();
    expect(await tasks.find("l", "a")).toBeUndefined();
  });

  test("saves none if one can't be saved", async () => {
    const small = new DataInterface({ types: [FetchFileTask], adapter: tasks.adapter, maxTaskBytes: 200 });
    const large = FetchFileTask.build({ taskList: "l", id: "b", filename: "x".repeat(500) });
    expect(await failureOf(() => small.saveTogether([build("a"), large]))).toMatchObject({
      code: "TOO_LARGE",
      id: "b",
    });
    expect(await tasks.find("l", "a")).toBeUndefined();
  });

  test("refuses two of one list and id, of which one would replace the other", async () => {
    const some = [build("a"), build("b"), build("a", "m"), build("b")];
    expect(await failureOf(() => tasks.saveTogether(some))).toMatchObject({
      ...{ code: "KEY_CONFLICT", taskList: "l", id: "b", field: "tasks[3]" },
    });
    expect(await tasks.find("l", "a")).toBeUndefined();
    await tasks.saveTogether([]);
  });

  test("says so where the store has no transactions", async () => {
    const plain = new DataInterface({ types: [FetchFileTask], adapter: standBefore(tasks.adapter, {}) });
    expect(await failureOf(() => plain.saveTogether([build("a")]))).toMatchObject({ code: "UNSUPPORTED" });
    expect(await failureOf(() => tasks.saveTogether(build("a") as never))).toMatchObject({ field: "tasks" });
    expect(await failureOf(() => tasks.saveTogether(new Array(2)))).toMatchObject({ code: "TYPE_MISMATCH" });
  });
});

describe("claimState", () => {
  test("is gone with the task", async () => {
    const task = await tasks.create(FetchFileTask, { taskList: "l", id: "a" });
    await (await tasks.claim(task))?.release({ retryIn: 60_000 });
    await tasks.complete(task);
    expect(await tasks.claimState(task)).toBeUndefined();
  });
});

describe("lists", () => {
  test("names the lists that have open tasks", async () => {
    for (const taskList of ["a", "b", "a"]) await tasks.create(FetchFileTask, { taskList });
    const names: string[] = [];
    for await (const name of tasks.lists()) names.push(name);
    expect(names.sort()).toEqual(["a", "b"]);
  });

  test("says so where the store can't name them", async () => {
    const plain = new DataInterface({ types: [FetchFileTask], adapter: standBefore(tasks.adapter, {}) });
    expect(await failureOf(() => plain.lists().next())).toMatchObject({ code: "UNSUPPORTED" });
  });
});
