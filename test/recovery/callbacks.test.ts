import { type RecoverCounts, recover } from "taskledger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { oddValues } from "../runtime/odd-values.js";
import {
  counted,
  create,
  type Event,
  LIST,
  nothing,
  openIds,
  openTasks,
  pass,
  recoverOnce,
  stopTime,
  type Tasks,
  untilAborted,
} from "./setup.js";

let tasks: Tasks;

beforeEach(() => {
  stopTime();
  tasks = openTasks();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a handler that rejects with what hardly anything can be done with", () => {
  test.each(Object.entries(oddValues))("is given up as any other: %s", async (_, thrown) => {
    await create(tasks);
    const onExhausted = vi.fn();
    const handler = () => Promise.reject(thrown);
    const options = { maxAttempts: 2, deadLetterList: "dead", backoff: { initial: 0, max: 0 }, onExhausted };
    const first = await recoverOnce(tasks, handler, options);
    expect(first.counts).toEqual(counted({ failed: 1 }));
    const last = await recoverOnce(tasks, handler, options);
    expect(last.counts).toEqual(counted({ deadLettered: 1 }));
    expect(onExhausted).toHaveBeenCalledOnce();
    expect(onExhausted.mock.calls[0]?.[1].error).toBe(thrown);
    expect(await openIds(tasks)).toEqual([]);
    const [headers] = await deadHeaders();
    expect(headers?.["taskledger-dead-attempts"]).toBe("2");
    expect(headers?.["taskledger-dead-reason"]).not.toContain("the worker died");
  });

  test("says in the reason as much as can be known", async () => {
    const reasons: Record<string, string> = {};
    for (const [name, thrown] of Object.entries(oddValues)) {
      await create(tasks, name);
      await recoverOnce(tasks, () => Promise.reject(thrown), { maxAttempts: 1, deadLetterList: "dead" });
    }
    for (const headers of await deadHeaders())
      reasons[headers["taskledger-dead-id"] as string] = headers["taskledger-dead-reason"] as string;
    expect(reasons).toMatchObject({
      "an object without a prototype": "boom",
      "a revoked proxy": "it threw an object that can't be looked at",
      "an error whose message throws": "it threw an object (Error)",
      "an error whose code throws": "boom",
      "an object whose toString throws": "it threw an object (Object)",
      "a symbol": "it threw a symbol",
      undefined: "it threw undefined",
      "a text": "boom",
      "a function": "it threw a function (a function)",
      "a lone surrogate": "\ufffd",
    });
  });

  async function deadHeaders(): Promise<Record<string, string>[]> {
    const headers: Record<string, string>[] = [];
    for await (const { envelope } of tasks.all("dead")) headers.push(envelope.headers);
    return headers;
  }
});

describe("onEvent that is async", () => {
  const sleep = () => new Promise<void>((resolve) => setTimeout(resolve, 100));

  test("is waited for before anything goes on", async () => {
    await create(tasks);
    const order: string[] = [];
    const onEvent = async ({ type }: Event) => {
      order.push(`${type} is told`);
      await sleep();
      order.push(`${type} is known`);
    };
    const run = recover(tasks, LIST, () => void order.push("the work"), { olderThan: 0, onEvent });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await run).toEqual(counted({ completed: 1 }));
    expect(order).toEqual([
      "claimed is told",
      "claimed is known",
      "the work",
      "completed is told",
      "completed is known",
      "pass is told",
      "pass is known",
    ]);
  });

  test.each(["claimed", "completed"])("ends the run if it rejects: at %s", async (when) => {
    await create(tasks);
    const failure = new RangeError("a listener's own");
    const onEvent = async ({ type }: Event) => {
      if (type === when) throw failure;
    };
    await expect(recoverOnce(tasks, nothing, { onEvent, every: 10 })).rejects.toBe(failure);
  });

  test("ends the run if it rejects while the store does not answer", async () => {
    tasks.adapter.all = () => {
      throw Object.assign(new Error("no answer"), { name: "TaskError", code: "TIMEOUT" });
    };
    const onEvent = () => Promise.reject(new RangeError("a listener's own"));
    await expect(recoverOnce(tasks, nothing, { onEvent, every: 10 })).rejects.toThrow(RangeError);
  });
});

test("onExhausted that rejects has the task tried again later", async () => {
  await create(tasks);
  const run = (onExhausted: () => unknown): Promise<{ counts: RecoverCounts }> =>
    recoverOnce(tasks, () => Promise.reject(new Error("boom")), {
      maxAttempts: 1,
      onExhausted,
      backoff: { max: 0 },
      deadLetterList: "dead",
    });
  expect((await run(() => Promise.reject(new Error("not now")))).counts).toEqual(counted({ failed: 1 }));
  expect((await run(nothing)).counts).toEqual(counted({ deadLettered: 1 }));
});

test("nor is it left open for good if there is no dead-letter list", async () => {
  await create(tasks);
  const run = (onExhausted: () => unknown) =>
    recoverOnce(tasks, () => Promise.reject(new Error("boom")), { maxAttempts: 1, onExhausted, backoff: { max: 0 } });
  for (const _ of [1, 2]) {
    expect((await run(() => Promise.reject(new Error("not now")))).counts).toEqual(counted({ failed: 1 }));
    await pass(1);
  }
  expect((await run(nothing)).counts).toEqual(counted({ exhausted: 1 }));
  await pass(1);
  expect((await run(nothing)).counts).toEqual(counted({ passedOver: 1 }));
});

test("onExhausted is called for a task whose last attempt was interrupted", async () => {
  await create(tasks);
  const stop = new AbortController();
  const options = { maxAttempts: 1, onExhausted: vi.fn() };
  const stopped = recoverOnce(tasks, untilAborted, { ...options, signal: stop.signal });
  await pass(10);
  stop.abort();
  expect((await stopped).counts).toEqual(counted({ interrupted: 1 }));
  await pass(1);
  expect((await recoverOnce(tasks, nothing, options)).counts).toEqual(counted({ exhausted: 1 }));
  expect(options.onExhausted).toHaveBeenCalledOnce();
});
