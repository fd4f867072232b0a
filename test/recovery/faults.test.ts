import { recover, type Task } from "taskledger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { failureOf } from "../runtime/failure.js";
import {
  counted,
  create,
  FetchFileTask,
  failing,
  find,
  hang,
  LIST,
  nothing,
  openIds,
  openTasks,
  pass,
  recoverOnce,
  replaceClaims,
  stopTime,
  type Tasks,
  untilAborted,
} from "./setup.js";

let tasks: Tasks;

beforeEach(() => {
  stopTime();
  tasks = openTasks();
});
afterEach(() => vi.useRealTimers());

describe("a store that can't be reached for renewals", () => {
  test("aborts the handler a little before the lease ends, and never runs past it", async () => {
    await create(tasks);
    replaceClaims(tasks, () => ({ renew: failing("UNAVAILABLE") }));
    const run = recoverOnce(tasks, untilAborted, { lease: 1_000 });
    await pass(899);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    await pass(1);
    const { counts, events } = await run;
    expect(counts).toEqual(counted({ interrupted: 1 }));
    expect(events[1]).toMatchObject({ type: "interrupted", error: { code: "CLAIM_LOST" } });
  });

  test("does no harm where it is back for the next renewal", async () => {
    await create(tasks);
    let calls = 0;
    replaceClaims(tasks, (claims) => ({
      renew: (...call) => (calls++ % 2 === 0 ? failing("TIMEOUT", "unknown")() : claims.renew(...call)),
    }));
    const run = recoverOnce(tasks, () => new Promise((resolve) => setTimeout(resolve, 5_000)), { lease: 900 });
    await pass(5_000);
    expect((await run).counts).toEqual(counted({ completed: 1 }));
    expect(calls).toBeGreaterThan(8);
  });

  test("that hangs, is asked again, and the handler is aborted in time", async () => {
    await create(tasks);
    const renew = vi.fn(hang);
    replaceClaims(tasks, () => ({ renew }));
    const run = recoverOnce(tasks, untilAborted, { lease: 900 });
    await pass(810);
    expect(renew).toHaveBeenCalledTimes(2);
    expect((await run).counts).toEqual(counted({ interrupted: 1 }));
  });

  test("and a handler that pays no heed: its work counts if it comes to its end within another lease", async () => {
    await create(tasks);
    replaceClaims(tasks, () => ({ renew: failing("UNAVAILABLE") }));
    const run = recoverOnce(tasks, () => new Promise((resolve) => setTimeout(resolve, 1_500)), { lease: 1_000 });
    await pass(1_500);
    expect((await run).counts).toEqual(counted({ completed: 1 }));
  });

  test("and a handler that hangs: it is given up, and another may have the task", async () => {
    await create(tasks);
    replaceClaims(tasks, () => ({ renew: failing("UNAVAILABLE") }));
    const run = recoverOnce(tasks, hang, { lease: 1_000 });
    await pass(1_000);
    expect(await tasks.claim(await find(tasks), { lease: 10_000 })).toBeDefined();
    await pass(900);
    expect((await run).counts).toEqual(counted({ interrupted: 1 }));
    expect(await tasks.claim(await find(tasks))).toBeUndefined();
  });
});

describe("a claim of unknown outcome", () => {
  test("counts as not granted: no handler runs, and the others are not held up", async () => {
    for (const id of ["a", "b"]) await create(tasks, id);
    replaceClaims(tasks, (claims) => ({
      async claim(request) {
        const state = await claims.claim(request);
        return request.id === "a" ? failing("TIMEOUT", "unknown")() : state;
      },
    }));
    const done: string[] = [];
    const { counts } = await recoverOnce(tasks, (task) => void done.push(task.id), { lease: 1_000 });
    expect(done).toEqual(["b"]);
    expect(counts).toEqual(counted({ completed: 1, passedOver: 1 }));
  });

  test("expires, if it was granted after all", async () => {
    await create(tasks);
    replaceClaims(tasks, (claims) => ({
      claim: (request) => claims.claim(request).then(failing("TIMEOUT", "unknown")),
    }));
    await recoverOnce(tasks, nothing, { lease: 1_000 });
    expect(await openIds(tasks)).toEqual(["file1"]);
    const before = await recoverOnce(tasks, nothing);
    expect(before.events).toEqual([]);
    await pass(1_000);
    expect((await recoverOnce(tasks, nothing)).counts).toEqual(counted({ passedOver: 1 }));
  });
});

describe("a store that fails otherwise", () => {
  test("ends a pass with its error where it grants no claim, and the claims of the others are settled", async () => {
    for (const id of ["a", "b"]) await create(tasks, id);
    replaceClaims(tasks, (claims) => ({
      claim: (request) => (request.id === "b" ? failing("UNAVAILABLE")() : claims.claim(request)),
    }));
    const handler = () => new Promise((resolve) => setTimeout(resolve, 100));
    const run = failureOf(() => recoverOnce(tasks, handler, { concurrency: 2 }));
    await pass(100);
    expect(await run).toMatchObject({ code: "UNAVAILABLE" });
    expect(await openIds(tasks)).toEqual(["b"]);
  });

  test("where the task can't be completed: it stays claimed until the lease ends, and is then done again", async () => {
    await create(tasks);
    const { complete } = tasks.adapter;
    tasks.adapter.complete = failing("TIMEOUT", "unknown") as never;
    const done: string[] = [];
    const handler = (task: Task) => void done.push(task.id);
    const error = await failureOf(() => recoverOnce(tasks, handler, { lease: 1_000 }));
    expect(error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
    tasks.adapter.complete = complete;
    expect((await recoverOnce(tasks, handler)).events).toEqual([]);
    await pass(1_000);
    expect((await recoverOnce(tasks, handler)).counts).toEqual(counted({ completed: 1 }));
    expect(done).toEqual(["file1", "file1"]);
  });

  test("where a claim can't be released, it expires", async () => {
    await create(tasks);
    replaceClaims(tasks, () => ({ release: failing("UNAVAILABLE") }));
    const { counts } = await recoverOnce(tasks, () => Promise.reject(new Error("no")), { lease: 1_000 });
    expect(counts).toEqual(counted({ failed: 1 }));
    expect((await recoverOnce(tasks, nothing)).events).toEqual([]);
    await pass(1_000);
    expect((await recoverOnce(tasks, nothing)).counts).toEqual(counted({ completed: 1 }));
  });

  test("where it does not learn that a claim has ended with its task, the task is completed all the same", async () => {
    const task = await create(tasks);
    replaceClaims(tasks, () => ({ forget: failing("UNAVAILABLE") }));
    await tasks.claim(task);
    await tasks.complete(task);
    expect(await openIds(tasks)).toEqual([]);
  });
});

describe("a handler", () => {
  test("may throw whatever it likes", async () => {
    await create(tasks);
    for (const thrown of [new Error("an error"), "a text", undefined, null]) {
      const { events } = await recoverOnce(tasks, () => Promise.reject(thrown), { backoff: { initial: 0 } });
      expect(events[1]).toMatchObject({ type: "failed", error: thrown });
    }
  });

  test("may save the task to another store: it is completed here", async () => {
    await create(tasks);
    await create(tasks, "file2");
    const { counts } = await recoverOnce(tasks, (task) => openTasks().save(task as FetchFileTask));
    expect(counts).toEqual(counted({ completed: 2 }));
    expect(await openIds(tasks)).toEqual([]);
  });

  test("may complete the task itself", async () => {
    await create(tasks);
    const { counts } = await recoverOnce(tasks, (task) => tasks.complete(task));
    expect(counts).toEqual(counted({ completed: 1 }));
    expect(await openIds(tasks)).toEqual([]);
  });

  test("may save the task again, with what it has done so far, and fail: the next one gets that", async () => {
    await create(tasks);
    const handler = async (task: Task) => {
      (task as FetchFileTask).data.filename += "+";
      await tasks.save(task);
      throw new Error("not done yet");
    };
    await recoverOnce(tasks, handler);
    await recoverOnce(tasks, handler);
    const seen: unknown[] = [];
    await recoverOnce(tasks, (task, { attempt }) => void seen.push((task as FetchFileTask).filename, attempt));
    expect(seen).toEqual(["file1.txt++", 3]);
  });

  test("may lose its claim to another, and is told so by its signal", async () => {
    await create(tasks);
    const run = recoverOnce(tasks, untilAborted, { lease: 900 });
    await pass(10);
    const { claims } = tasks.adapter;
    const [state] = (await claims?.states([{ taskList: LIST, id: "file1" }])) ?? [];
    await claims?.release({ taskList: LIST, id: "file1", token: state?.token as bigint }, 0);
    const other = await tasks.claim(await find(tasks));
    await pass(300);
    const { events } = await run;
    expect(events[1]).toMatchObject({ type: "interrupted", error: { code: "CLAIM_LOST" } });
    await other?.renew();
  });

  test("that a whole run hangs in keeps no other list waiting", async () => {
    await create(tasks);
    await tasks.create(FetchFileTask, { taskList: "other" });
    const run = recoverOnce(tasks, hang, { timeout: 10_000 });
    expect(await recover(tasks, "other", nothing, { olderThan: 0 })).toEqual(counted({ completed: 1 }));
    await pass(10_000);
    expect((await run).counts).toEqual(counted({ failed: 1 }));
  });
});

test("what a handler saves that is no longer waited for stays open, though the task is given up meanwhile", async () => {
  await create(tasks);
  const save = tasks.adapter.save.bind(tasks.adapter);
  let late: (() => Promise<unknown>) | undefined;
  tasks.adapter.save = async (...given) => {
    const saved = await save(...given);
    if (given[0][0]?.taskList === "dead") await late?.();
    return saved;
  };
  const handler = async (task: Task) => {
    late = async () => {
      late = undefined;
      (task as FetchFileTask).data.filename = "progress";
      await task.save();
    };
    await hang();
  };
  const run = recoverOnce(tasks, handler as never, { maxAttempts: 1, timeout: 1_000, deadLetterList: "dead" });
  await pass(1_000);
  expect((await run).counts).toEqual(counted({ deadLettered: 1 }));
  expect(await find(tasks)).toMatchObject({ filename: "progress" });
});
