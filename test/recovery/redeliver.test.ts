import { type Exhaustion, isTaskError, perform, redeliver, type Task, TaskError } from "taskledger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { failureOf } from "../runtime/failure.js";
import {
  create,
  FetchFileTask,
  failing,
  find,
  LIST,
  nothing,
  openIds,
  openTasks,
  pass,
  replaceClaims,
  stopTime,
  type Tasks,
} from "./setup.js";

let tasks: Tasks;
let sent: string[][];
beforeEach(() => {
  stopTime();
  tasks = openTasks();
  sent = [];
});
afterEach(() => vi.useRealTimers());

const send = (batch: readonly Task[]) => void sent.push(batch.map(({ id }) => id));
const MINUTE = 60_000;

describe("redeliver", () => {
  test("hands over what has been open for a while, in batches, oldest first, and leaves it open", async () => {
    for (let i = 0; i < 5; i++) await create(tasks, `${i}`);
    await pass(MINUTE);
    await create(tasks, "young");
    expect(await redeliver(tasks, LIST, send, { batchSize: 2 })).toBe(5);
    expect(sent).toEqual([["0", "1"], ["2", "3"], ["4"]]);
    expect(await openIds(tasks)).toHaveLength(6);
  });

  test("hands a task over at most once an interval, whoever asks", async () => {
    await create(tasks);
    const other = openTasks(tasks.adapter);
    const options = { olderThan: 0, interval: MINUTE };
    expect(await redeliver(tasks, LIST, send, options)).toBe(1);
    expect(await redeliver(other, LIST, send, options)).toBe(0);
    await pass(MINUTE - 1);
    expect(await redeliver(tasks, LIST, send, options)).toBe(0);
    await pass(1);
    expect(await redeliver(other, LIST, send, options)).toBe(1);
    const both = [tasks, other].map((each) => redeliver(each, LIST, send, { ...options, interval: 1 }));
    await pass(MINUTE);
    expect((await Promise.all(both)).reduce((sum, count) => sum + count)).toBeLessThanOrEqual(1);
  });

  test("leaves alone what somebody works on, and what waits to be tried again", async () => {
    await tasks.claim(await create(tasks, "claimed"));
    await (await tasks.claim(await create(tasks, "waiting")))?.release({ retryIn: MINUTE });
    await create(tasks, "lost");
    expect(await redeliver(tasks, LIST, send, { olderThan: 0 })).toBe(1);
    expect(sent).toEqual([["lost"]]);
  });

  test("keeps nobody from doing what was handed over, and counts as no attempt", async () => {
    const task = await create(tasks);
    await redeliver(tasks, LIST, send, { olderThan: 0 });
    expect(await tasks.claimState(task)).toMatchObject({
      attempt: 0,
      owner: undefined,
      redeliveredUntil: new Date(1_700_000_300_000),
    });
    expect(await perform(tasks, task, nothing)).toMatchObject({ type: "completed", attempt: 1 });
  });

  test("hands a task over at once whose batch the queue did not take, and says what it threw", async () => {
    await create(tasks);
    const full = new RangeError("the queue is full");
    expect(await redeliver(tasks, LIST, () => Promise.reject(full), { olderThan: 0 }).catch((error) => error)).toBe(
      full,
    );
    expect(await redeliver(tasks, LIST, send, { olderThan: 0 })).toBe(1);
  });

  test("goes on until it is aborted, over a store that is away for a time", async () => {
    await create(tasks);
    const controller = new AbortController();
    const errors: unknown[] = [];
    let isAway = true;
    replaceClaims(tasks, (claims) => ({
      states: (...call) => (isAway ? Promise.reject(new TaskError("UNAVAILABLE", "away")) : claims.states(...call)),
    }));
    const running = redeliver(tasks, LIST, send, {
      ...{ olderThan: 0, interval: 10, every: 100, signal: controller.signal },
      onFailed: (error) => void errors.push((error as TaskError).code),
    });
    await pass(150);
    isAway = false;
    await pass(300);
    controller.abort();
    await pass(100);
    expect(await running).toBe(sent.length);
    expect(errors.length).toBeGreaterThan(0);
    expect(sent.length).toBeGreaterThan(1);
  });

  test("leaves a version its first try, however often earlier ones were tried", async () => {
    const options = { maxAttempts: 1, deadLetterList: "dead" };
    const fail = () => Promise.reject(new Error("not yet"));
    for (let attempt = 1; attempt <= 2; attempt++)
      await perform(tasks, await create(tasks), fail, { backoff: { initial: 0 } });
    await create(tasks);
    await redeliver(tasks, LIST, send, { olderThan: 0 });
    expect(await perform(tasks, (await find(tasks)) as FetchFileTask, nothing, options)).toMatchObject({
      type: "completed",
      attempt: 3,
    });
  });

  test("ends no claim of a handler that has saved its task again", async () => {
    const task = await create(tasks);
    const result = await perform(tasks, task, async (same, { signal, claim }) => {
      await tasks.save(same);
      await redeliver(tasks, LIST, send, { olderThan: 0 });
      await claim.renew();
      signal.throwIfAborted();
    });
    expect(result).toMatchObject({ type: "completed" });
    expect(sent).toEqual([]);
  });

  test("of a task that was given up and stays open, lets nobody try it again", async () => {
    const task = await create(tasks);
    const reasons: unknown[] = [];
    const options = { maxAttempts: 1, onExhausted: (_: unknown, { error }: Exhaustion) => void reasons.push(error) };
    const fail = () => Promise.reject(new Error("it can't be done"));
    expect(await perform(tasks, task, fail, options)).toMatchObject({ type: "exhausted" });
    const results: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      await redeliver(tasks, LIST, send, { olderThan: 0, interval: 1 });
      results.push(await perform(tasks, task, fail, options));
      await pass(10);
    }
    // A mark does not tell whether the last attempt failed or its worker died: one that died is not given up unsaid.
    const passedOver = { type: "passed-over", reason: "given-up" };
    expect(results).toMatchObject([{ type: "exhausted" }, passedOver, passedOver, passedOver, passedOver]);
    expect(reasons).toMatchObject([{ message: "it can't be done" }, { code: "TIMEOUT" }]);
  });

  test("goes through several lists, of which one that fails holds up no other", async () => {
    for (const taskList of ["a", "b"]) await tasks.create(FetchFileTask, { taskList, id: taskList });
    expect(await redeliver(tasks, ["a", "b"], send, { olderThan: 0, interval: 1 })).toBe(2);
    expect(sent).toEqual([["a"], ["b"]]);
    await pass(10);
    replaceClaims(tasks, (claims) => ({
      states: (keys) => (keys[0]?.taskList === "a" ? failing("TIMEOUT")() : claims.states(keys)),
    }));
    const controller = new AbortController();
    const running = redeliver(tasks, ["a", "b"], send, { olderThan: 0, every: 100, signal: controller.signal });
    await pass(50);
    controller.abort();
    await running;
    expect(sent.slice(2)).toEqual([["b"]]);
  });

  test("hands over later what it could not mark, and at once what it could and did not send", async () => {
    for (const id of ["a", "b", "c"]) await create(tasks, id);
    replaceClaims(tasks, (claims) => ({
      claim: (request) => (request.id === "b" && sent.length === 0 ? failing("TIMEOUT")() : claims.claim(request)),
    }));
    expect(await failureOf(() => redeliver(tasks, LIST, send, { olderThan: 0 }))).toMatchObject({ code: "TIMEOUT" });
    expect(sent).toEqual([]);
    sent.push([]);
    expect(await redeliver(tasks, LIST, send, { olderThan: 0 })).toBe(3);
  });

  test("throws a TaskError, whatever the store throws", async () => {
    await create(tasks);
    replaceClaims(tasks, () => ({ claim: () => Promise.reject(new RangeError("broken")) }));
    expect(await failureOf(() => redeliver(tasks, LIST, send, { olderThan: 0 }))).toMatchObject({
      code: "UNAVAILABLE",
      message: "broken",
    });
  });

  test("goes on over a queue that is away for a time, if somebody is told", async () => {
    await create(tasks);
    const controller = new AbortController();
    const errors: unknown[] = [];
    const away = new Error("the queue is away");
    const running = redeliver(tasks, LIST, (batch) => (errors.length < 3 ? Promise.reject(away) : send(batch)), {
      ...{ olderThan: 0, every: 100, signal: controller.signal },
      onFailed: (error) => void errors.push(error),
    });
    await pass(1_000);
    controller.abort();
    expect(await running).toBe(1);
    expect([errors, sent]).toEqual([[away, away, away], [["file1"]]]);
    await create(tasks, "file2");
    const once = redeliver(tasks, LIST, () => Promise.reject(away), { olderThan: 0, every: 1 });
    const thrown = once.catch((error) => error);
    await pass(10);
    expect(await thrown).toBe(away);
  });

  test("refuses what is no option", async () => {
    for (const options of [{ interval: 0 }, { batchSize: 0 }, { often: 1 }, { every: -1 }] as never[])
      expect(isTaskError(await failureOf(() => redeliver(tasks, LIST, send, options)), "INVALID_ARGUMENT")).toBe(true);
  });
});
