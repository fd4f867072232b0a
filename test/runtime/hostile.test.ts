import fc from "fast-check";
import * as everything from "taskledger";
import {
  BulkError,
  CompositeTask,
  configure,
  DataInterface,
  dateToVersion,
  decodeFrames,
  encodeFrames,
  existingTasks,
  fromBatch,
  isTaskError,
  moveTasks,
  OpaqueTask,
  perform,
  recover,
  redeliver,
  revive,
  Task,
  TaskGenerator,
  toBatch,
  VersionClock,
  versionToDate,
} from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import * as store from "taskledger/store";
import { openStore, parseStoreUrl } from "taskledger/store";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { EverythingTask } from "./kinds.js";
import { oddValues } from "./odd-values.js";

// Whatever a caller hands in, a public function gives a result or a TaskError. Only what a caller's own source throws while it
// is read comes out of streams of frames as it is.

// biome-ignore lint/suspicious/noExplicitAny: untyped callers are what this file is about
type Any = any;

const types = [FetchFileTask, CompositeTask, EverythingTask as Any];
const adapter = new MemoryAdapter();
const tasks: Any = new DataInterface({ types, adapter });
const key = { taskList: "list", id: "id" };
const newTask = () => FetchFileTask.build(key);
const { signal } = new AbortController();

/** What sources throw that are read. */
class SourceError extends Error {}

const fail = (): never => {
  throw new SourceError("the source's own");
};

const around = (target: object) => new Proxy(target, {});

// What is thrown at `then` is for those that await it.
// biome-ignore-start lint/suspicious/noThenProperty: that is the point

/** More that only looks as if it were in order. */
const lookalikes: Record<string, unknown> = {
  ...oddValues,
  "a proxy around a task": around(newTask()),
  "a proxy around bytes": around(newTask().toBinary()),
  "what says it is bytes": Object.create(Uint8Array.prototype),
  "a proxy around a Date": around(new Date()),
  "a proxy around a signal": around(signal),
  "what says it is a signal": {
    aborted: false,
    [Symbol.toStringTag]: "AbortSignal",
    addEventListener: fail,
    removeEventListener: fail,
  },
  "a proxy around a class": around(FetchFileTask),
  "a class whose type throws": class extends FetchFileTask {
    static override get type(): never {
      return fail();
    }
  },
  "a proxy around an interface": around(tasks),
  "a proxy around an adapter": around(adapter),
  "an adapter that gives nothing": { open() {}, save() {}, find() {}, all() {}, complete() {}, close() {} },
  "an adapter that gives numbers": {
    open: () => 1,
    save: () => 1,
    find: () => 1,
    all: () => 1,
    complete: () => 1,
    close: () => 1,
  },
  "a promise that rejects with it": {
    then: (_: unknown, reject: (reason: unknown) => void) => reject(oddValues["a revoked proxy"]),
  },
  "a thenable that throws": { then: fail },
  "what has a then that throws": Object.defineProperty({}, "then", { get: fail, enumerable: true }),
  "a source that can't be begun": { [Symbol.iterator]: fail },
  "an async one": { [Symbol.asyncIterator]: fail },
  "a source whose iterator is none": { [Symbol.iterator]: () => 5 },
  "a source whose iterator can't be looked at": { [Symbol.iterator]: () => oddValues["a revoked proxy"] },
  "a source whose elements throw": { [Symbol.iterator]: () => ({ next: fail, return: fail }) },
  "an async one whose elements throw": { [Symbol.asyncIterator]: () => ({ next: fail, return: fail }) },
  "a source whose results are none": { [Symbol.iterator]: () => ({ next: () => 5 }) },
  "an async one whose results are none": { [Symbol.asyncIterator]: () => ({ next: async () => undefined }) },
  "a source whose elements are hostile": [oddValues["a revoked proxy"], oddValues["a proxy that refuses everything"]],
  "a stream that can't be read": { getReader: fail },
  "a stream whose reader is none": { getReader: () => 5 },
  "a Node stream that can't be read": { iterator: fail, destroy: fail },
  "a Node stream without an iterator": { iterator: () => undefined, destroy: fail },
  "a function that throws": fail,
  "a function that gives what can't be looked at": () => oddValues["a revoked proxy"],
  "an array whose length lies": around([newTask()]),
  "an array with a getter": Object.defineProperty([], 0, { get: fail, enumerable: true }),
  "very many holes": new Array(1e9),
};

// biome-ignore-end lint/suspicious/noThenProperty: see above

/** Objects of options whose members are hostile, and objects that can't be read. */
const optionNames = [
  "signal",
  "types",
  "adapter",
  "adapterBuilder",
  "validate",
  "maxTaskBytes",
  "savedBefore",
  "olderThan",
  "unclaimed",
  "owner",
  "lease",
  "concurrency",
  "batchSize",
  "onSaved",
  "onCompleted",
  "onEvent",
  "onExhausted",
  "backoff",
  "deadLetterList",
  "maxAttempts",
  "timeout",
  "maxBatchBytes",
  "maxBatchTasks",
  "headers",
  "createdAt",
  "clock",
  "createSchema",
  "ignoreUnknownFields",
  "tasks",
  "retryIn",
  "ids",
  "dryRun",
  "every",
  "interval",
  "onStoreFailed",
  "services",
  "opaque",
  "max",
  "claims",
  "validateRead",
  "taskList",
  "id",
  "data",
  "filename",
  "$typeName",
  "$unknown",
];

/** How a value is made: fast-check itself can't handle all of them. */
type Recipe =
  | { readonly odd: string }
  | { readonly plain: unknown }
  | { readonly members: Readonly<Record<string, Recipe>> }
  | { readonly getter: string };

const values: fc.Arbitrary<Recipe> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...Object.keys(lookalikes)).map((odd) => ({ odd })) },
  fc
    .anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, maxDepth: 2 })
    .map((plain) => ({ plain })),
);
const names = fc.constantFrom(...optionNames);
const hostile: fc.Arbitrary<Recipe> = fc.oneof(
  { weight: 3, arbitrary: values },
  fc.dictionary(names, values, { maxKeys: 2 }).map((members) => ({ members })),
  names.map((getter) => ({ getter })),
);

function make(recipe: Recipe): unknown {
  if ("odd" in recipe) return lookalikes[recipe.odd];
  if ("plain" in recipe) return recipe.plain;
  if ("getter" in recipe) return Object.defineProperty({ ...key }, recipe.getter, { get: fail, enumerable: true });
  return Object.fromEntries(Object.entries(recipe.members).map(([name, each]) => [name, make(each)]));
}

/** What a call needs, so that but one of its arguments is hostile. */
type Call = readonly [act: (...args: Any[]) => unknown, ...valid: unknown[]];

/** The members of an object whose accessors may throw: that is not what is tested. */
function spread(value: unknown): object {
  try {
    return { ...(value as object) };
  } catch {
    return {};
  }
}

const claim = async () => {
  const own = new DataInterface({ types, adapter: new MemoryAdapter() });
  return (await own.claim(await own.create(FetchFileTask, key))) as Any;
};
const saved = () => tasks.create(FetchFileTask, key);
const other = () => new DataInterface({ types, adapter: new MemoryAdapter() });

const calls: Record<string, Call> = {
  "build with hostile headers": [(headers) => FetchFileTask.build(key, { headers } as Any), {}],
  "build with a hostile header": [(x) => FetchFileTask.build(key, { headers: { x } } as Any), ""],
  build: [(...a) => (FetchFileTask as Any).build(...a), key, {}],
  "build of everything": [(...a) => (EverythingTask as Any).build(...a), key, {}],
  "build of another class": [(self, ...a) => (Task as Any).build.apply(self, a), FetchFileTask, key, {}],
  "new": [(...a) => new (FetchFileTask as Any)(...a), key, {}],
  "new of everything": [(data, options) => new (EverythingTask as Any)({ ...key, data }, options).toBinary(), {}, {}],
  "Task.create": [(...a) => (FetchFileTask as Any).create(...a), key, {}],
  fromBinary: [(...a) => tasks.fromBinary(...a), newTask().toBinary()],
  "Class.fromBinary": [(...a) => (FetchFileTask as Any).fromBinary(...a), newTask().toBinary()],
  fromHash: [(...a) => tasks.fromHash(...a), newTask().asHash(), {}],
  "Class.fromHash": [(...a) => (FetchFileTask as Any).fromHash(...a), newTask().asHash(), {}],
  "fromHash with hostile data": [(data) => tasks.fromHash({ ...key, data }), {}],
  "fromHash with hostile fields": [
    (data) => tasks.fromHash({ ...key, data: { "@type": "x/kinds.Everything", ...spread(data) } }),
    {},
  ],
  "fromHash with a hostile field": [
    (value) =>
      tasks.fromHash({
        ...key,
        data: {
          "@type": "x/kinds.Everything",
          text: value,
          struct: value,
          any: value,
          children: [value],
          timestamp: value,
        },
      }),
    {},
  ],
  "changed data": [
    (value) => {
      const task = EverythingTask.build(key);
      Object.assign(task.data, { text: value });
      return [task.toBinary(), task.asHash()];
    },
    "x",
  ],
  "changed headers": [
    (value) => {
      const task: Any = newTask();
      task.envelope.headers.x = value;
      return task.toBinary();
    },
    "x",
  ],
  save: [(...a) => tasks.save(...a), newTask(), {}],
  "task.save": [(options) => tasks.fromBinary(newTask().toBinary()).save(options), {}],
  "task.complete": [async (options) => (await saved()).complete(options), {}],
  create: [(...a) => tasks.create(...a), FetchFileTask, key, {}],
  find: [(...a) => tasks.find(...a), "list", "id", {}],
  all: [(...a) => tasks.all(...a), "list", {}],
  complete: [(...a) => tasks.complete(...a), newTask(), {}],
  claim: [async (options) => tasks.claim(await saved(), options), {}],
  "claim of a task": [(task) => tasks.claim(task), newTask()],
  "claim.renew": [async (options) => (await claim()).renew(options), {}],
  "claim.release": [async (options) => (await claim()).release(options), {}],
  stale: [(...a) => tasks.stale(...a), "list", { olderThan: 1 }],
  saveAll: [(...a) => tasks.saveAll(...a), [newTask()], {}],
  completeAll: [(...a) => tasks.completeAll(...a), [], {}],
  toBatch: [(...a) => (toBatch as Any)(...a), [newTask()], {}],
  fromBatch: [(...a) => (fromBatch as Any)(...a), toBatch([newTask()]), { types }],
  "interface.fromBatch": [(...a) => tasks.fromBatch(...a), toBatch([newTask()]), {}],
  encodeFrames: [(...a) => (encodeFrames as Any)(...a), [newTask()], {}],
  decodeFrames: [(...a) => (decodeFrames as Any)(...a), [], { types }],
  "interface.decodeFrames": [(...a) => tasks.decodeFrames(...a), [], {}],
  "new TaskGenerator": [(...a) => new (TaskGenerator as Any)(...a), [newTask()], [newTask()]],
  "generator.append": [(...a) => new TaskGenerator().append(...a), [newTask()]],
  existingTasks: [(...a) => (existingTasks as Any)(...a), "list", { tasks }],
  moveTasks: [(...a) => (moveTasks as Any)(...a), tasks, other(), "list", {}],
  "composite.run": [
    (options) => tasks.fromBinary(CompositeTask.build({ ...key, childTaskList: "none" }).toBinary()).run(options),
    {},
  ],
  "composite.execute": [
    (context) => tasks.fromBinary(CompositeTask.build({ ...key, childTaskList: "none" }).toBinary()).execute(context),
    { signal },
  ],
  recover: [
    (own, list, handler, options) => (recover as Any)(own, list, handler, options),
    tasks,
    "none",
    () => {},
    { olderThan: 0 },
  ],
  saveTogether: [(...a) => tasks.saveTogether(...a), [newTask()], {}],
  "saveTogether of a hostile task": [(task) => tasks.saveTogether([newTask(), task]), newTask()],
  claimState: [(...a) => tasks.claimState(...a), key, {}],
  lists: [(options) => tasks.lists(options), {}],
  stats: [(...a) => tasks.stats(...a), "list", {}],
  perform: [(...a) => (perform as Any)(...a), tasks, newTask(), () => {}, {}],
  "perform of a task that is open": [async (...a) => (perform as Any)(tasks, await saved(), ...a), () => {}, {}],
  redeliver: [(...a) => (redeliver as Any)(...a), tasks, "none", () => {}, { olderThan: 0 }],
  "recover of a hostile list": [(list) => (recover as Any)(tasks, ["none", list], () => {}, { olderThan: 0 }), "none"],
  "revive of hostile ids": [(ids) => (revive as Any)(tasks, "none", { ids }), []],
  revive: [(...a) => (revive as Any)(...a), tasks, "none", {}],
  "new DataInterface": [(options) => new DataInterface(options), { types, adapter }],
  "an interface with hostile options": [
    (more) => new DataInterface({ types, adapter, ...spread(more) }).find("l", "i"),
    {},
  ],
  "an interface on a hostile adapter": [
    async (own) => {
      const on: Any = new DataInterface({ types, adapter: own });
      for (const act of [
        () => on.save(newTask()),
        () => on.find("l", "i"),
        () => on.all("l").next(),
        () => on.saveAll([newTask()]),
        () => on.close(),
      ])
        await act();
    },
    adapter,
  ],
  "an interface that validates by it": [
    async (validate) => {
      const on = new DataInterface({ types, adapter: new MemoryAdapter(), validate, validateRead: true });
      await on.create(FetchFileTask, key);
      await on.find("list", "id");
    },
    () => [],
  ],
  "an interface that builds its adapter by it": [
    (adapterBuilder) => new DataInterface({ types, adapterBuilder }).find("l", "i"),
    () => adapter,
  ],
  configure: [async (options) => (configure as Any)(options).close(), { types, adapter: new MemoryAdapter() }],
  "new MemoryAdapter": [(options) => new MemoryAdapter(options), {}],
  openStore: [(...a) => (openStore as Any)(...a), "memory:", {}],
  parseStoreUrl: [(url) => parseStoreUrl(url), "memory:"],
  isTaskError: [(...a) => (isTaskError as Any)(...a), new Error("x"), "TIMEOUT"],
  dateToVersion: [(date) => dateToVersion(date), new Date()],
  versionToDate: [(version) => versionToDate(version), 1n],
  "new VersionClock": [(...a) => new (VersionClock as Any)(...a).next(), () => 1n, 1n],
  "clock.next": [(version) => new VersionClock().next(version), 1n],
  "clock.observe": [(version) => new VersionClock().observe(version), 1n],
  "new OpaqueTask": [(...a) => new (OpaqueTask as Any)(...a), {}, {}],
};

/** Where what a source throws comes out as it is. */
const readsSources = /Frames$|^toBatch$|TaskGenerator$|append$|^existingTasks$/;

/**
 * A proxy around a class is a function as any other, until it is called; and an async generator awaits what it yields, which
 * fails for what can't be looked at.
 */
function isSourcesOwn(error: unknown): boolean {
  return error instanceof SourceError || /without 'new'|revoked|to look at this throws/.test((error as Error).message);
}

/** Errors, constants and what adapters are made of: they are given what this package makes. */
const notForHostility = [
  "BulkError",
  "TaskError",
  "Claim",
  "DEFAULT_MAX_TASK_BYTES",
  "MAX_KEY_BYTES",
  "processClock",
  "REDELIVERY",
  "grantClaim",
  "isClaimed",
  "releaseClaim",
  "renewClaim",
];

async function settle(result: unknown): Promise<void> {
  const given = await result;
  if (typeof given !== "object" || given === null) return;
  const iterate =
    (given as Any)[Symbol.asyncIterator] ?? (given instanceof Task ? undefined : (given as Any)[Symbol.iterator]);
  if (typeof iterate === "function") {
    const iterator = iterate.call(given);
    await iterator.next();
    await iterator.return?.();
  }
}

describe("whatever is handed in,", () => {
  test.each(Object.entries(calls))(
    "%s gives a result or a TaskError",
    async (name, [act, ...valid]) => {
      const at = fc.nat({ max: valid.length - 1 });
      await fc.assert(
        fc.asyncProperty(at, hostile, async (i, recipe) => {
          try {
            await settle(act(...valid.map((each, j) => (i === j ? make(recipe) : each))));
          } catch (error) {
            if (readsSources.test(name) && isSourcesOwn(error)) return;
            if (!isTaskError(error)) throw error;
            if (error instanceof BulkError)
              for (const failure of error.failures) expect(isTaskError(failure.error)).toBe(true);
            expect(error.message.length).toBeLessThan(1_000);
          }
        }),
        { numRuns: 150 },
      );
    },
    30_000,
  );

  test("every public function is among them", () => {
    const names = Object.keys({ ...everything, ...store }).filter((name) => !notForHostility.includes(name));
    const tested = Object.entries(calls)
      .map(([name, [act]]) => `${name} ${act}`)
      .join("\n");
    expect(names.filter((name) => !tested.includes(name))).toEqual([]);
  });
});
