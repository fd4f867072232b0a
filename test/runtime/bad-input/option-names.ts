import {
  CompositeTask,
  configure,
  DataInterface,
  decodeFrames,
  encodeFrames,
  existingTasks,
  fromBatch,
  moveTasks,
  recover,
  Task,
  toBatch,
} from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { openStore } from "taskledger/store";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { adapter, key, tasks, testCases } from "./setup.js";

// biome-ignore lint/suspicious/noExplicitAny: untyped callers are what this file is about
type Any = any;

const file = FetchFileTask.build(key);
const composite = CompositeTask.build({ ...key, childTaskList: "c" });
const types = [FetchFileTask];

/** Every call that takes options: its name, one that is misspelt, what was meant, and the call. */
const calls: [string, string, string, (options: Any) => unknown][] = [
  ["build", "header", "headers", (o) => FetchFileTask.build(key, o)],
  ["new", "created", "createdAt", (o) => new FetchFileTask(key, o)],
  ["Task.create", "sginal", "signal", (o) => FetchFileTask.create(key, o)],
  ["Task.fromHash", "ignoreUnknown", "ignoreUnknownFields", (o) => FetchFileTask.fromHash({}, o)],
  ["task.save", "signl", "signal", (o) => tasks.fromBinary(file.toBinary()).save(o)],
  ["task.complete", "signl", "signal", async (o) => (await tasks.find("list", "id")).complete(o)],
  ["create", "Headers", "headers", (o) => tasks.create(FetchFileTask, key, o)],
  ["save", "signal_", "signal", (o) => tasks.save(file, o)],
  ["find", "singal", "signal", (o) => tasks.find("l", "i", o)],
  ["all", "saved_before", "savedBefore", (o) => tasks.all("l", o)],
  ["complete", "abortSignal", "signal", async (o) => tasks.complete(await tasks.find("list", "id"), o)],
  ["claim", "leases", "lease", async (o) => tasks.claim(await tasks.find("list", "id"), o)],
  ["stale", "olderthan", "olderThan", (o) => tasks.stale("l", { olderThan: 1, ...o })],
  ["saveAll", "concurency", "concurrency", (o) => tasks.saveAll([], o)],
  ["saveAll, of completeAll", "onCompleted", "", (o) => tasks.saveAll([], o)],
  ["completeAll", "onComplete", "onCompleted", (o) => tasks.completeAll([], o)],
  ["fromHash", "ignoreUnknownfields", "ignoreUnknownFields", (o) => tasks.fromHash({}, o)],
  ["fromBatch of an interface", "maxBatchByte", "maxBatchBytes", (o) => tasks.fromBatch(toBatch([]), o)],
  ["decodeFrames of an interface", "maxbatchbytes", "maxBatchBytes", (o) => tasks.decodeFrames([], o)],
  ["toBatch", "maxBytes", "maxBatchBytes", (o) => toBatch([], o)],
  ["fromBatch", "type", "types", (o) => fromBatch(toBatch([]), { types, ...o })],
  ["encodeFrames", "maxBatchTask", "maxBatchTasks", (o) => encodeFrames([], o)],
  ["decodeFrames", "typs", "types", (o) => decodeFrames([], { types, ...o })],
  ["existingTasks", "task", "tasks", (o) => existingTasks("l", o)],
  [
    "moveTasks",
    "concurrancy",
    "concurrency",
    (o) => moveTasks(tasks, new DataInterface({ types, adapter: new MemoryAdapter() }) as Any, "l", o),
  ],
  ["run", "concurency", "concurrency", (o) => composite.run(o)],
  ["recover", "maxAttempt", "maxAttempts", (o) => recover(tasks, "l", undefined, o)],
  ["recover's backoff", "maximum", "max", (o) => recover(tasks, "l", undefined, { backoff: o })],
  ["claim.renew", "signale", "signal", async (o) => (await claim()).renew(o)],
  ["claim.release", "retryin", "retryIn", async (o) => (await claim()).release(o)],
  ["new DataInterface", "adaptor", "adapter", (o) => new DataInterface({ types, adapter, ...o })],
  ["configure", "maxTaskbytes", "maxTaskBytes", (o) => configure({ types, adapter, ...o })],
  ["new MemoryAdapter", "clocks", "clock", (o) => new MemoryAdapter(o)],
  ["openStore", "createschema", "createSchema", (o) => openStore("memory:", o)],
  [
    "openStore's createSchema",
    "replica",
    "replicas",
    (o) => openStore("memory:", { createSchema: { replicas: 1, ...o } }),
  ],
];

async function claim() {
  const own = new DataInterface({ types, adapter: new MemoryAdapter() });
  return (await own.claim(await own.create(FetchFileTask, key))) as Any;
}

describe("an option that there is none", () => {
  testCases(
    calls.map(([name, wrong, right, call]) => [
      `${name}: ${wrong}`,
      () => call({ [wrong]: undefined }),
      "INVALID_ARGUMENT",
      wrong,
      `unknown option "${wrong}"${right && !["maxBytes", "maximum"].includes(wrong) ? `; did you mean ${right}?` : ""}`,
    ]),
  );

  test("is told with those that there are, where none is near", async () => {
    await expect(tasks.find("l", "i", { timeout: 5 })).rejects.toThrow('unknown option "timeout"; known: signal');
    await expect(tasks.saveAll([], { parallel: 5 })).rejects.toThrow(
      "; known: concurrency, batchSize, signal and onSaved",
    );
  });

  test("may be in the context that a composite is run with, which is its user's", () => {
    const context = { signal: new AbortController().signal, claim: {}, attempt: 1, logger: console };
    expect(() => composite.run({ ...context, concurrency: 4 })).not.toThrow();
  });
});

describe("what is given in place of options", () => {
  const { signal } = new AbortController();
  const expectedObject = "options: expected an object, got ";
  testCases(
    calls
      .filter(([name]) => !/backoff|createSchema|stale|DataInterface|configure|fromBatch$|decodeFrames$/.test(name))
      .map(([name, , , call]) => [
        `${name}: a signal`,
        () => call(signal),
        "INVALID_ARGUMENT",
        "options",
        name === "run" ? expectedObject : `${expectedObject}an object (AbortSignal); write { signal }`,
      ]),
  );
  testCases([
    [
      "a controller",
      () => tasks.find("l", "i", new AbortController()),
      "INVALID_ARGUMENT",
      "options",
      "(AbortController); write { signal: controller.signal }",
    ],
    [
      "a time",
      () => tasks.find("l", "i", 5_000),
      "INVALID_ARGUMENT",
      "options",
      "options: expected an object, got 5000",
    ],
    [
      "a controller for the signal",
      () => tasks.find("l", "i", { signal: new AbortController() }),
      "INVALID_ARGUMENT",
      "signal",
      "expected an AbortSignal, got an object (AbortController); give its signal",
    ],
    [
      "what only looks like a signal",
      () => tasks.find("l", "i", { signal: { aborted: false } }),
      "INVALID_ARGUMENT",
      "signal",
      "expected an AbortSignal, got an object (Object)",
    ],
    [
      "what only looks like one, with all its methods",
      () => tasks.find("l", "i", { signal: Object.assign(new EventTarget(), { aborted: false }) }),
      "INVALID_ARGUMENT",
      "signal",
      "got an object (EventTarget)",
    ],
    [
      "text for a boolean",
      () => tasks.fromHash({}, { ignoreUnknownFields: "no" }),
      "INVALID_ARGUMENT",
      "ignoreUnknownFields",
      'expected true or false, got "no"',
    ],
    [
      "text for a boolean of stale",
      () => tasks.stale("l", { olderThan: 1, unclaimed: "no" }),
      "INVALID_ARGUMENT",
      "unclaimed",
      'expected true or false, got "no"',
    ],
    [
      "a number for a callback",
      () => tasks.saveAll([], { onSaved: 5 }),
      "INVALID_ARGUMENT",
      "onSaved",
      "expected a function, got 5",
    ],
    [
      "text for another",
      () => recover(tasks, "l", undefined, { onEvent: "log" as Any }),
      "INVALID_ARGUMENT",
      "onEvent",
      'expected a function, got "log"',
    ],
    [
      "text for the last",
      () => recover(tasks, "l", undefined, { onExhausted: "log" as Any }),
      "INVALID_ARGUMENT",
      "onExhausted",
      'expected a function, got "log"',
    ],
    [
      "a number for a backoff",
      () => recover(tasks, "l", undefined, { backoff: 5 as Any }),
      "INVALID_ARGUMENT",
      "backoff",
      "expected { initial, max }, got 5",
    ],
    [
      "no data interface",
      () => recover({} as Any, "l"),
      "INVALID_ARGUMENT",
      "tasks",
      "expected a DataInterface, got an object (Object)",
    ],
    [
      "Task",
      () => recover(Task as Any, "l"),
      "INVALID_ARGUMENT",
      "tasks",
      "expected a DataInterface, got a function (Task)",
    ],
  ]);

  test("may be a signal of another realm, or an object of a class", async () => {
    const { runInNewContext } = await import("node:vm");
    const { AbortController: Foreign } = runInNewContext("({ AbortController })", {
      AbortController: class extends AbortController {},
    });
    class Options {
      get signal() {
        return new Foreign().signal;
      }
    }
    expect(await tasks.find("l", "i", new Options())).toBeUndefined();
  });
});
