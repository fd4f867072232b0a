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
  test("tells who has a task, and until when, how often it was tried, and how long it waits", async () => {
    const task = await tasks.create(FetchFileTask, { taskList: "l", id: "a" });
    expect(await tasks.claimState(task)).toBeUndefined();
    const claim = await tasks.claim(task, { owner: "worker 7", lease: 60_000 });
    expect(await tasks.claimState({ taskList: "l", id: "a" })).toEqual({
      ...{ attempt: 1, token: claim?.token, owner: "worker 7", claimedUntil: claim?.expiresAt },
      ...{ waitsUntil: undefined, redeliveredUntil: undefined },
    });
    await claim?.release({ retryIn: 60_000 });
    for (const none of [undefined, null, 7, {}, { taskList: "l" }] as never[])
      expect(await failureOf(() => tasks.claimState(none))).toMatchObject({ code: "INVALID_KEY" });
    expect(await tasks.claimState(task)).toMatchObject({ owner: undefined, waitsUntil: expect.any(Date) });
    await tasks.complete(task);
    expect(await tasks.claimState(task)).toBeUndefined();
  });
});

describe("stats", () => {
  test("counts a list's open tasks and their claims, and tells the oldest", async () => {
    const [first, second, third] = await Promise.all(
      ["a", "b", "c"].map((id) => tasks.create(FetchFileTask, { taskList: "l", id })),
    );
    await tasks.claim(first as FetchFileTask);
    for (const retryIn of [0, 60_000]) await (await tasks.claim(second as FetchFileTask))?.release({ retryIn });
    const { oldest, ...counts } = await tasks.stats("l");
    expect(counts).toEqual({ open: 3, isCapped: false, claimed: 1, waiting: 1, retried: 1 });
    expect(Math.abs((oldest?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await tasks.stats("l", { claims: false })).toMatchObject({ open: 3, claimed: 0 });
    expect(third?.id).toBe("c");
  });

  test("counts no further than it is told to, and nothing of an empty list", async () => {
    for (let i = 0; i < 12; i++) await tasks.create(FetchFileTask, { taskList: "l" });
    expect(await tasks.stats("l", { max: 10 })).toMatchObject({ open: 10, isCapped: true });
    expect(await tasks.stats("l", { max: 12 })).toMatchObject({ open: 12, isCapped: false });
    expect(await tasks.stats("none")).toMatchObject({ open: 0, oldest: undefined });
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
