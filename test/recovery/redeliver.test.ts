import { isTaskError, perform, redeliver, type Task, TaskError } from "taskledger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { failureOf } from "../runtime/failure.js";
import { create, LIST, nothing, openIds, openTasks, pass, replaceClaims, stopTime, type Tasks } from "./setup.js";

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
      onStoreFailed: (error) => void errors.push(error.code),
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

  test("refuses what is no option", async () => {
    for (const options of [{ interval: 0 }, { batchSize: 0 }, { often: 1 }, { every: -1 }] as never[])
      expect(isTaskError(await failureOf(() => redeliver(tasks, LIST, send, options)), "INVALID_ARGUMENT")).toBe(true);
  });
});
