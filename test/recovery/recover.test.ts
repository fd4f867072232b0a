import { type ExecuteContext, OpaqueTask, recover, type Task, TaskError } from "taskledger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { DataInterface } from "../../src/index.js";
import { failureOf } from "../runtime/failure.js";
import {
  counted,
  create,
  type Event,
  FetchFileTask,
  find,
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
  vi.restoreAllMocks();
});

describe("recover", () => {
  test("does every stale task, oldest first, and completes it", async () => {
    for (const id of ["c", "a", "b"]) await create(tasks, id);
    const done: string[] = [];
    const { counts } = await recoverOnce(tasks, (task) => void done.push(task.id));
    expect(done).toEqual(["c", "a", "b"]);
    expect(counts).toEqual(counted({ completed: 3 }));
    expect(await openIds(tasks)).toEqual([]);
  });

  test("leaves tasks alone that are younger than olderThan, 60 seconds by default", async () => {
    await create(tasks, "old");
    await pass(59_000);
    await create(tasks, "young");
    await pass(1_000);
    expect(await recover(tasks, LIST, nothing)).toMatchObject({ completed: 1 });
    expect(await openIds(tasks)).toEqual(["young"]);
  });

  test("calls execute where no handler is given", async () => {
    const done: unknown[] = [];
    class FetchFile extends FetchFileTask {
      override async execute({ signal }: ExecuteContext): Promise<void> {
        done.push([this.filename, this.envelope.attempt, signal.aborted]);
      }
    }
    const own = new DataInterface({ types: [FetchFile], adapter: tasks.adapter });
    await create(tasks);
    await recover(own, LIST, undefined, { olderThan: 0 });
    expect(done).toEqual([["file1.txt", 1, false]]);
  });

  test("gives the handler the claim, and the claim's attempt, which is in the task's envelope, too", async () => {
    await (await tasks.claim(await create(tasks)))?.release();
    const seen: unknown[] = [];
    await recoverOnce(tasks, (task, { claim, attempt }) => {
      seen.push(attempt, claim.attempt, task.envelope.attempt, claim.id, typeof claim.token);
    });
    expect(seen).toEqual([2, 2, 2, "file1", "bigint"]);
  });

  test("passes over what others have claimed, and what waits to be tried again", async () => {
    await tasks.claim(await create(tasks, "claimed"));
    await (await tasks.claim(await create(tasks, "waiting")))?.release({ retryIn: 1_000 });
    expect(await recoverOnce(tasks, nothing)).toEqual({ counts: counted({}), events: [] });
  });

  test("passes over what another claims between its reading and its claiming", async () => {
    await create(tasks, "file1");
    await create(tasks, "file2");
    const { counts, events } = await recoverOnce(tasks, async ({ id }) => {
      if (id === "file1") await tasks.claim(await find(tasks, "file2"));
    });
    expect(counts).toEqual(counted({ completed: 1, passedOver: 1 }));
    expect(events.map(({ type }) => type)).toEqual(["claimed", "completed"]);
  });

  test("of two runs at once, each task is done by one", async () => {
    for (let i = 0; i < 40; i++) await create(tasks, `file${i}`);
    const done: string[] = [];
    const handler = async (task: Task) => {
      done.push(task.id);
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const runs = [1, 2].map(() => recoverOnce(tasks, handler, { concurrency: 4 }));
    await pass(1_000);
    await Promise.all(runs);
    expect(done.sort()).toEqual(Array.from({ length: 40 }, (_, i) => `file${i}`).sort());
  });

  test("goes on in a random order once it has met another run, so that they do not all want the same task", async () => {
    const ids = Array.from({ length: 60 }, (_, i) => `file${i}`);
    for (const id of ids) await create(tasks, id);
    const done: string[] = [];
    const handler = async (task: Task) => {
      done.push(task.id);
      if (task.id === "file3") await tasks.claim(await find(tasks, "file4"));
    };
    await recoverOnce(tasks, handler);
    expect(done.slice(0, 4)).toEqual(ids.slice(0, 4));
    expect(done.slice(4)).not.toEqual(ids.slice(5));
    expect(done.toSorted()).toEqual(ids.filter((id) => id !== "file4").toSorted());
  });

  test("does so many tasks at once as concurrency says, and takes no more than that", async () => {
    for (let i = 0; i < 10; i++) await create(tasks, `file${i}`);
    let running = 0;
    let most = 0;
    const claims = vi.spyOn(tasks.adapter.claims as never, "claim" as never);
    const handler = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running--;
    };
    const run = recoverOnce(tasks, handler, { concurrency: 3 });
    await pass(5);
    expect(claims).toHaveBeenCalledTimes(3);
    await pass(1_000);
    expect((await run).counts).toEqual(counted({ completed: 10 }));
    expect(most).toBe(3);
  });

  test("renews the claim while the handler works", async () => {
    await create(tasks);
    const run = recoverOnce(tasks, () => new Promise((resolve) => setTimeout(resolve, 10_000)), { lease: 900 });
    for (let time = 0; time < 9_000; time += 500) {
      await pass(500);
      expect(await tasks.claim(await find(tasks))).toBeUndefined();
    }
    await pass(1_000);
    expect((await run).counts).toEqual(counted({ completed: 1 }));
  });

  test("keeps the claim where each renewal takes nearly a third of the lease", async () => {
    await create(tasks);
    const { claims } = tasks.adapter;
    if (claims === undefined) throw new Error("the store has no claims");
    const renew = claims.renew.bind(claims);
    vi.spyOn(claims, "renew").mockImplementation(async (...call) => {
      await new Promise((resolve) => setTimeout(resolve, 290));
      return renew(...call);
    });
    const run = recoverOnce(tasks, () => new Promise((resolve) => setTimeout(resolve, 5_000)), { lease: 900 });
    await pass(6_000);
    expect((await run).counts).toEqual(counted({ completed: 1 }));
  });

  test("tells what happens, in order", async () => {
    await create(tasks, "good");
    await create(tasks, "bad");
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const error = new Error("no such file");
    const { events } = await recoverOnce(tasks, ({ id }) => {
      if (id === "bad") throw error;
    });
    expect(events).toEqual([
      { type: "claimed", task: expect.objectContaining({ id: "good" }), attempt: 1 },
      { type: "completed", task: expect.objectContaining({ id: "good" }), attempt: 1 },
      { type: "claimed", task: expect.objectContaining({ id: "bad" }), attempt: 1 },
      { type: "failed", task: expect.objectContaining({ id: "bad" }), attempt: 1, error, retryIn: 500 },
    ]);
  });

  test("ends with what a listener throws, once what is under way is done", async () => {
    for (let i = 0; i < 5; i++) await create(tasks, `file${i}`);
    const onEvent = ({ type }: Event) => {
      if (type === "completed") throw new RangeError("a listener's own");
    };
    await expect(recoverOnce(tasks, nothing, { onEvent, every: 10 })).rejects.toThrow(RangeError);
    expect(await openIds(tasks)).toHaveLength(4);
    expect(await tasks.claim(await find(tasks, "file1"))).toMatchObject({ attempt: 1 });
  });

  test("passes over opaque tasks, whose attempts do not grow, unless its handler is to get them", async () => {
    const mail = new DataInterface({ types: [SendMailTask], adapter: tasks.adapter });
    await mail.create(SendMailTask, { mailbox: LIST, messageId: "m1", subject: "s" });
    for (const handler of [undefined, nothing])
      expect((await recoverOnce(tasks, handler)).counts).toEqual(counted({ passedOver: 1 }));
    const seen: unknown[] = [];
    const see = (task: Task, { attempt }: { attempt: number }) => void seen.push(task instanceof OpaqueTask, attempt);
    await recoverOnce(tasks, see, { opaque: true });
    expect(seen).toEqual([true, 1]);
    expect(await openIds(tasks)).toEqual([]);
  });
});

describe("a task that fails", () => {
  const fail = () => {
    throw new Error("always");
  };

  test("is tried again after a random part of a delay that doubles, up to the most", async () => {
    await create(tasks);
    const random = vi.spyOn(Math, "random").mockReturnValue(0.999);
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      const { events } = await recoverOnce(tasks, fail, { backoff: { initial: 1_000, max: 10_000 } });
      const [, failed] = events;
      const { retryIn } = failed as Event & { readonly retryIn: number };
      waits.push(retryIn);
      await pass(retryIn - 1);
      expect((await recoverOnce(tasks, fail)).events).toEqual([]);
      await pass(1);
    }
    expect(waits).toEqual([999, 1_998, 3_996, 7_992, 9_990, 9_990]);
    random.mockReturnValue(0);
    expect((await recoverOnce(tasks, fail)).events).toMatchObject([{}, { attempt: 7, retryIn: 0 }]);
  });

  test("waits up to a second at first, and at most ten minutes, by default", async () => {
    await create(tasks);
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    for (let attempt = 1; attempt <= 12; attempt++) {
      const { events } = await recoverOnce(tasks, fail);
      expect(events[1]).toMatchObject({ attempt, retryIn: Math.min(600_000, 1_000 * 2 ** (attempt - 1)) / 2 });
      await pass(600_000);
    }
  });

  test("keeps none of the others waiting", async () => {
    for (const id of ["a", "bad", "b"]) await create(tasks, id);
    const { counts } = await recoverOnce(tasks, ({ id }) => (id === "bad" ? fail() : undefined));
    expect(counts).toEqual(counted({ completed: 2, failed: 1 }));
    expect(await openIds(tasks)).toEqual(["bad"]);
  });
});

describe("timeout", () => {
  test("aborts the handler's signal, and gives up a handler that does not heed it", async () => {
    await create(tasks);
    let signal: AbortSignal | undefined;
    const hang = (_: unknown, context: ExecuteContext) => {
      signal = context.signal;
      return new Promise(() => {});
    };
    const run = recoverOnce(tasks, hang, { timeout: 5_000, lease: 1_000 });
    await pass(4_999);
    expect(signal?.aborted).toBe(false);
    await pass(1);
    expect(signal?.aborted).toBe(true);
    const { counts, events } = await run;
    expect(counts).toEqual(counted({ failed: 1 }));
    expect(events[1]).toMatchObject({ type: "failed", error: { code: "TIMEOUT", id: "file1" } });
  });
});

describe("every", () => {
  test("begins again so long after each pass, until it is aborted", async () => {
    const stop = new AbortController();
    const done: string[] = [];
    const handler = (task: Task) => void done.push(task.id);
    const run = recover(tasks, LIST, handler, { olderThan: 0, every: 1_000, signal: stop.signal });
    await create(tasks, "file1");
    await pass(999);
    expect(done).toEqual([]);
    await pass(1);
    expect(done).toEqual(["file1"]);
    await create(tasks, "file2");
    await pass(1_000);
    expect(done).toEqual(["file1", "file2"]);
    stop.abort();
    expect(await run).toEqual(counted({ completed: 2 }));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("outlives a store that is away for a time, and tells of it", async () => {
    const stop = new AbortController();
    const events: Event[] = [];
    const all = tasks.adapter.all.bind(tasks.adapter);
    tasks.adapter.all = () => {
      throw new TaskError("UNAVAILABLE", "away");
    };
    const options = {
      olderThan: 0,
      every: 1_000,
      signal: stop.signal,
      onEvent: (event: Event) => void events.push(event),
    };
    const run = recover(tasks, LIST, nothing, options);
    await create(tasks);
    await pass(1_500);
    tasks.adapter.all = all;
    await pass(1_000);
    stop.abort();
    expect(await run).toEqual(counted({ completed: 1 }));
    expect(events.map(({ type }) => type)).toEqual(["store-failed", "store-failed", "claimed", "completed", "pass"]);
  });

  test("ends with an error that will not pass", async () => {
    const run = failureOf(() => recover(tasks, LIST, nothing, { olderThan: 0, every: 1_000 }));
    await pass(500);
    await tasks.close();
    await pass(1_000);
    expect(await run).toMatchObject({ code: "CLOSED" });
  });
});

describe("signal", () => {
  test("ends a run: nothing more is begun, handlers that run are given it, and their claims are released", async () => {
    for (let i = 0; i < 5; i++) await create(tasks, `file${i}`);
    const stop = new AbortController();
    const reasons: unknown[] = [];
    const handler = (task: Task, context: ExecuteContext) => {
      context.signal.addEventListener("abort", () => reasons.push(context.signal.reason));
      return untilAborted(task, context);
    };
    const run = recoverOnce(tasks, handler, { concurrency: 2, signal: stop.signal });
    await pass(100);
    stop.abort("stopping");
    const { counts, events } = await run;
    expect(reasons).toEqual(["stopping", "stopping"]);
    expect(counts).toEqual(counted({ interrupted: 2 }));
    expect(events.filter(({ type }) => type === "claimed")).toHaveLength(2);
    for (let i = 0; i < 5; i++) expect(await tasks.claim(await find(tasks, `file${i}`))).toBeDefined();
  });

  test("lets a handler come to its end that pays no heed, and completes its task", async () => {
    await create(tasks);
    const stop = new AbortController();
    const run = recoverOnce(tasks, () => new Promise((resolve) => setTimeout(resolve, 2_000)), {
      lease: 3_000,
      signal: stop.signal,
    });
    await pass(1_000);
    stop.abort();
    await pass(1_000);
    expect((await run).counts).toEqual(counted({ completed: 1 }));
  });

  test("gives up a handler that does not end within a lease of it", async () => {
    await create(tasks);
    const stop = new AbortController();
    const run = recoverOnce(tasks, () => new Promise(() => {}), { lease: 3_000, signal: stop.signal });
    await pass(1_000);
    stop.abort();
    await pass(3_000);
    expect((await run).counts).toEqual(counted({ interrupted: 1 }));
    expect(await tasks.claim(await find(tasks))).toBeDefined();
  });

  test("that is aborted before, does nothing, and is no error", async () => {
    await create(tasks);
    const { counts, events } = await recoverOnce(tasks, nothing, { signal: AbortSignal.abort() });
    expect([counts, events]).toEqual([counted({}), []]);
  });

  test("that is aborted while a task is claimed, begins no work, and releases the claim", async () => {
    await create(tasks);
    const stop = new AbortController();
    const onEvent = ({ type }: Event) => (type === "claimed" ? stop.abort() : undefined);
    const handler = vi.fn();
    const { counts } = await recoverOnce(tasks, handler, { signal: stop.signal, onEvent });
    expect(handler).not.toHaveBeenCalled();
    expect(counts).toEqual(counted({ interrupted: 1 }));
    expect(await tasks.claim(await find(tasks))).toBeDefined();
  });

  test("is left without listeners, however many tasks were done", async () => {
    for (let i = 0; i < 30; i++) await create(tasks, `file${i}`);
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((type: string, listener: never, options: never) => {
      listeners.add(listener);
      add(type, listener, options);
    }) as never;
    signal.removeEventListener = ((type: string, listener: never) => {
      listeners.delete(listener);
      remove(type, listener);
    }) as never;
    await recoverOnce(tasks, nothing, { signal, concurrency: 15 });
    expect(listeners.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("recover refuses", () => {
  test.each([
    ["concurrency", { concurrency: 0 }],
    ["maxAttempts", { maxAttempts: 0 }],
    ["olderThan", { olderThan: -1 }],
    ["lease", { lease: 0 }],
    ["owner", { owner: "" }],
    ["timeout", { timeout: Number.NaN }],
    ["every", { every: "1s" as never }],
    ["backoff.initial", { backoff: { initial: -1 } }],
    ["backoff.max", { backoff: { max: Number.POSITIVE_INFINITY } }],
    ["deadLetterList", { deadLetterList: LIST }],
  ])("a wrong %s, before anything happens", async (field, options) => {
    await create(tasks);
    const handler = vi.fn();
    expect(await failureOf(() => recoverOnce(tasks, handler, options))).toMatchObject({
      code: "INVALID_ARGUMENT",
      field,
    });
    expect(handler).not.toHaveBeenCalled();
  });

  test("a list without a name, and a handler that is none", async () => {
    expect(await failureOf(() => recover(tasks, "", nothing))).toMatchObject({ code: "INVALID_KEY" });
    expect(await failureOf(() => recover(tasks, LIST, {} as never))).toMatchObject({ field: "handler" });
    const invalid = await failureOf(() => recoverOnce(tasks, nothing, { deadLetterList: "" }));
    expect(invalid).toMatchObject({ code: "INVALID_KEY", field: "taskList" });
  });

  test("a store without claims", async () => {
    Object.defineProperty(tasks.adapter, "claims", { value: undefined });
    expect(await failureOf(() => recoverOnce(tasks, nothing, { every: 10 }))).toMatchObject({ code: "UNSUPPORTED" });
  });
});
