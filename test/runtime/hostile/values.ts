import fc from "fast-check";
import { CompositeTask, DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { EverythingTask } from "../kinds.js";
import { oddValues } from "../odd-values.js";

// biome-ignore lint/suspicious/noExplicitAny: untyped callers are what this is about
export type Any = any;

export const types = [FetchFileTask, CompositeTask, EverythingTask as Any];
export const adapter = new MemoryAdapter();
export const tasks: Any = new DataInterface({ types, adapter });
export const key = { taskList: "list", id: "id" };
export const newTask = () => FetchFileTask.build(key);
export const { signal } = new AbortController();

/** What sources throw that are read. */
export class SourceError extends Error {}

export const fail = (): never => {
  throw new SourceError("the source's own");
};

const around = (target: object) => new Proxy(target, {});

// What is thrown at `then` is for those that await it.
// biome-ignore-start lint/suspicious/noThenProperty: that is the point

/** More that only looks as if it were in order. */
export const lookalikes: Record<string, unknown> = {
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
  "onFailed",
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
export const hostile: fc.Arbitrary<Recipe> = fc.oneof(
  { weight: 3, arbitrary: values },
  fc.dictionary(names, values, { maxKeys: 2 }).map((members) => ({ members })),
  names.map((getter) => ({ getter })),
);

export function make(recipe: Recipe): unknown {
  if ("odd" in recipe) return lookalikes[recipe.odd];
  if ("plain" in recipe) return recipe.plain;
  if ("getter" in recipe) return Object.defineProperty({ ...key }, recipe.getter, { get: fail, enumerable: true });
  return Object.fromEntries(Object.entries(recipe.members).map(([name, each]) => [name, make(each)]));
}
