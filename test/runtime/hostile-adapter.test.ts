import { types } from "node:util";
import { CompositeTask, DataInterface, isTaskError, perform, recover, redeliver, revive } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { oddValues } from "./odd-values.js";

// What a third party's adapter gives is not trusted, either: whatever it is, users get a result or a TaskError.

// biome-ignore lint/suspicious/noExplicitAny: adapters that break their contract are what this file is about
type Any = any;

const key = { taskList: "list", id: "id" };
const taskTypes = [FetchFileTask, CompositeTask];

/** A promise that is given where none is expected, and rejects, is the adapter's own affair. */
function handled(given: unknown): unknown {
  if (types.isPromise(given)) given.catch(() => undefined);
  return given;
}

/** An adapter each of whose answers is what `answer` gives; `isBroken` says of which methods, by name. */
function adapterOf(answer: () => unknown, isBroken: (name: string) => boolean): Any {
  const sound: Any = new MemoryAdapter();
  const spoil = (target: Any, prefix = "") =>
    new Proxy(target, {
      get(_, name: string) {
        const own = target[name];
        if (name === "claims") return own && spoil(own, "claims.");
        if (typeof own !== "function") return own;
        return isBroken(prefix + name) ? () => handled(answer()) : own.bind(target);
      },
    });
  return spoil(sound);
}

const options = { olderThan: 0, lease: 1_000 };
const newTask = () => FetchFileTask.build(key);
/** A version that any store may have given. */
const seen = async () =>
  new DataInterface({ types: taskTypes, adapter: new MemoryAdapter() }).create(FetchFileTask, key);
const drain = async (source: AsyncIterable<unknown>) => {
  for await (const _ of source);
};

/** Everything that goes to a store. */
const uses: Record<string, (tasks: DataInterface<Any>) => Promise<unknown>> = {
  save: (tasks) => tasks.save(newTask()),
  saveTogether: (tasks) => tasks.saveTogether([newTask()]),
  saveAll: (tasks) => tasks.saveAll([newTask()]),
  complete: async (tasks) => tasks.complete(tasks.fromBinary((await seen()).toBinary())),
  completeAll: async (tasks) => tasks.completeAll([tasks.fromBinary((await seen()).toBinary())]),
  find: (tasks) => tasks.find("list", "id"),
  all: (tasks) => drain(tasks.all("list")),
  stale: (tasks) => drain(tasks.stale("list", { olderThan: 0, unclaimed: true })),
  lists: (tasks) => drain(tasks.lists()),
  stats: (tasks) => tasks.stats("list"),
  claimState: (tasks) => tasks.claimState(key),
  claim: async (tasks) => {
    const claim = await tasks.claim(await tasks.create(FetchFileTask, key), { lease: 1_000 });
    await claim?.renew();
    await claim?.release();
  },
  perform: async (tasks) => perform(tasks, await tasks.create(FetchFileTask, key), () => undefined, { maxAttempts: 2 }),
  "perform of what fails": async (tasks) => {
    const fail = () => Promise.reject(new Error("boom"));
    return perform(tasks, await tasks.create(FetchFileTask, key), fail, { maxAttempts: 1, deadLetterList: "dead" });
  },
  recover: async (tasks) => {
    await tasks.create(FetchFileTask, key);
    return recover(tasks, "list", () => undefined, { ...options, maxAttempts: 2 });
  },
  redeliver: async (tasks) => {
    await tasks.create(FetchFileTask, key);
    return redeliver(tasks, "list", () => undefined, { olderThan: 0 });
  },
  revive: (tasks) => revive(tasks, "dead", { ids: ["id"] }),
  composite: async (tasks) => {
    await tasks.create(FetchFileTask, key);
    const composite = await tasks.create(CompositeTask, { taskList: "other", childTaskList: "list" });
    await drain(composite.run());
  },
  close: (tasks) => tasks.close(),
};

const methods = ["open", "save", "find", "all", "complete", "close", "saveTogether", "lists"];
const claimMethods = ["claim", "renew", "release", "forget", "states"].map((name) => `claims.${name}`);

/** What is wrong: everything, or one method of an adapter that is sound otherwise. */
const broken: Record<string, (name: string) => boolean> = {
  everything: () => true,
  ...Object.fromEntries([...methods, ...claimMethods].map((name) => [name, (each: string) => each === name])),
};

/** How a method gives a value: by itself, thrown, and as a part of what is right. */
const ways: Record<string, (value: unknown) => () => unknown> = {
  gives: (value) => () => value,
  "gives a promise of": (value) => async () => value,
  throws: (value) => () => {
    throw value;
  },
  "rejects with": (value) => () => Promise.reject(value),
  "gives one that is": (value) => async () => [value],
  "gives an outcome with": (value) => async () => [{ ok: true, value }],
  "gives an error that is": (value) => async () => [{ ok: false, error: value, attempted: value }],
  "gives a task whose members are": (value) => async () => [{ id: value, savedAt: value, body: value }],
  "gives a claim whose members are": (value) => async () => ({
    savedAt: value,
    owner: value,
    token: value,
    attempt: value,
    until: value,
  }),
  "gives pages that are": (value) =>
    async function* () {
      yield value;
    },
  "gives pages of": (value) =>
    async function* () {
      yield [value];
    },
};

describe("whatever an adapter gives, users get a result or a TaskError", () => {
  const cases = Object.keys(broken).flatMap((what) => Object.keys(ways).map((way) => [what, way] as const));
  test.each(cases)("where %s %s what is odd", async (what, way) => {
    for (const [name, odd] of Object.entries({ ...oddValues, "a bigint": 5n, "an empty object": {} }))
      for (const [use, act] of Object.entries(uses)) {
        const adapter = adapterOf((ways[way] as Any)(odd), broken[what] as Any);
        const outcome = await act(new DataInterface({ types: taskTypes, adapter })).catch((error: unknown) => error);
        if (outcome instanceof Error || Object(outcome) === odd)
          expect([use, name, outcome]).toEqual([use, name, expect.toSatisfy(isTaskError)]);
      }
  });
});
