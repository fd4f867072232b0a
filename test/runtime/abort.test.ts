import { getEventListeners } from "node:events";
import { DataInterface, type OperationOptions, TaskError } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { abortWith, untilAborted } from "../../src/core/abort.js";
import { failureOf } from "./failure.js";
import { recordingStore, standBefore } from "./stores.js";

const key = { taskList: "datto.com", id: "file1" };
const reason = new Error("shutting down");

/** Everything of a data interface and of a task that takes a signal. */
async function operationsOn(tasks: DataInterface<typeof FetchFileTask>) {
  const task = await tasks.create(FetchFileTask, key);
  return {
    save: (options: OperationOptions) => tasks.save(task, options),
    "task.save": (options: OperationOptions) => task.save(options),
    create: (options: OperationOptions) => tasks.create(FetchFileTask, { ...key, id: "file2" }, options),
    find: (options: OperationOptions) => tasks.find("datto.com", "file1", options),
    all: (options: OperationOptions) => tasks.all("datto.com", options).next(),
    complete: (options: OperationOptions) => tasks.complete(task, options),
    "task.complete": (options: OperationOptions) => task.complete(options),
  };
}

const names = ["save", "task.save", "create", "find", "all", "complete", "task.complete"] as const;

describe.each(names)("%s", (name) => {
  test("is not applied where the signal was aborted before", async () => {
    const store = recordingStore();
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: store });
    const operations = await operationsOn(tasks);
    store.calls.length = 0;
    const error = await failureOf(() => operations[name]({ signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: "ABORTED", outcome: "not-applied" });
    expect(error.cause).toBe(reason);
    expect(store.calls).toEqual(name === "all" ? ["all datto.com"] : []);
    expect(await tasks.find("datto.com", "file2")).toBeUndefined();
    expect(await tasks.find("datto.com", "file1")).toBeDefined();
  });

  test("hands a signal on to the store", async () => {
    const signals: unknown[] = [];
    const inner = new MemoryAdapter();
    const note = <O extends OperationOptions>(options?: O) => {
      if (options?.signal) signals.push(options.signal);
      return options as O;
    };
    const adapter = standBefore(inner, {
      save: (entries, options) => inner.save(entries, note(options)),
      find: (keys, options) => inner.find(keys, note(options)),
      all: (taskList, options) => inner.all(taskList, note(options)),
      complete: (entries, options) => inner.complete(entries, note(options)),
    });
    const operations = await operationsOn(new DataInterface({ types: [FetchFileTask], adapter }));
    const { signal } = new AbortController();
    await operations[name]({ signal });
    expect(signals).toEqual([signal]);
  });

  test.each([[new AbortController()], ["abort"], [null]])("takes no signal that is none: %o", async (signal) => {
    const operations = await operationsOn(new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() }));
    expect(await failureOf(() => operations[name]({ signal: signal as never }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "signal",
    });
  });
});

test("a list that is being read gives no more tasks once the signal is aborted", async () => {
  const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
  for (const id of ["1", "2", "3"]) await tasks.create(FetchFileTask, { taskList: "l", id });
  const controller = new AbortController();
  const ids: string[] = [];
  const read = async () => {
    for await (const { id } of tasks.all("l", { signal: controller.signal })) {
      ids.push(id);
      controller.abort(reason);
    }
  };
  expect(await failureOf(read)).toMatchObject({ code: "ABORTED", cause: reason });
  expect(ids).toEqual(["1"]);
});

describe("waiting until a signal is aborted", () => {
  test("ends with the promise, and leaves no listener behind", async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    signal.addEventListener = (_: string, listener: unknown) => listeners.add(listener) as never;
    signal.removeEventListener = (_: string, listener: unknown) => listeners.delete(listener) as never;
    expect(await untilAborted(Promise.resolve(1), signal)).toBe(1);
    await expect(untilAborted(Promise.reject(reason), signal)).rejects.toBe(reason);
    expect(listeners.size).toBe(0);
    expect(await untilAborted(Promise.resolve(1), undefined)).toBe(1);
  });

  test.each(["not-applied", "unknown"] as const)("ends with ABORTED, whose outcome is then %s", async (outcome) => {
    const controller = new AbortController();
    const waiting = failureOf(() => untilAborted(new Promise(() => {}), controller.signal, outcome));
    controller.abort(reason);
    expect(await waiting).toMatchObject({ code: "ABORTED", outcome, cause: reason });
    expect(await waiting).toBeInstanceOf(TaskError);
  });

  test("ends at once where it was aborted before", async () => {
    const signal = AbortSignal.abort(reason);
    expect(await failureOf(() => untilAborted(new Promise(() => {}), signal))).toMatchObject({ code: "ABORTED" });
  });
});

describe("a controller that is aborted with several signals", () => {
  const setUp = () => {
    const sources = [new AbortController(), new AbortController()] as const;
    const controller = new AbortController();
    const releases = sources.map(({ signal }) => abortWith(controller, signal));
    const release = () => {
      for (const each of releases) each();
    };
    const listeners = () => sources.flatMap(({ signal }) => getEventListeners(signal, "abort")).length;
    return { sources, controller, release, listeners };
  };

  test.each([0, 1] as const)("is when number %i is, for the same reason", (index) => {
    const { sources, controller } = setUp();
    expect(controller.signal.aborted).toBe(false);
    sources[index].abort(reason);
    expect(controller.signal).toMatchObject({ aborted: true, reason });
  });

  test("is at once where one was before", () => {
    const controller = new AbortController();
    abortWith(controller, AbortSignal.abort(reason));
    expect(controller.signal).toMatchObject({ aborted: true, reason });
  });

  test("leaves no listener behind, and is not aborted any more, once it is released", () => {
    const { sources, controller, release, listeners } = setUp();
    expect(listeners()).toBe(2);
    release();
    expect(listeners()).toBe(0);
    sources[0].abort();
    expect(controller.signal.aborted).toBe(false);
  });
});
