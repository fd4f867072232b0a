import { type BulkError, CompositeTask, DataInterface, existingTasks, TaskGenerator } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { failureOf } from "./failure.js";
import { oddValues } from "./odd-values.js";

// What becomes of what users' own functions throw, or of the promises that they give. docs/errors.md has the rule.

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
});

/** Nothing may be rejected that nobody looks at. */
afterEach(async () => {
  await new Promise(setImmediate);
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

const build = (id = "id") => FetchFileTask.build({ taskList: "list", id });
const open = (more: object = {}) =>
  new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter(), ...more } as never) as DataInterface<
    typeof FetchFileTask
  >;
const rejecting = () => Promise.reject(new RangeError("a promise that is rejected"));
const tick = () => new Promise(setImmediate);

describe.each(["onSaved", "onCompleted"] as const)("%s that is async", (name) => {
  const run = async (tasks: DataInterface<typeof FetchFileTask>, callback: (task: FetchFileTask) => unknown) => {
    const source = ["a", "b", "c", "d"].map(build);
    if (name === "onSaved") return tasks.saveAll(source, { batchSize: 1, concurrency: 1, onSaved: callback });
    await tasks.saveAll(source);
    return tasks.completeAll(source, { batchSize: 1, concurrency: 1, onCompleted: callback });
  };

  test("is waited for before more is taken", async () => {
    let underWay = 0;
    const seen: number[] = [];
    const callback = async () => {
      seen.push(++underWay);
      await tick();
      underWay--;
    };
    expect(await run(open(), callback)).toBe(4);
    expect(seen).toEqual([1, 1, 1, 1]);
    expect(underWay).toBe(0);
  });

  test("stops the run if it rejects, as if it threw", async () => {
    const error = (await failureOf(() => run(open(), rejecting))) as BulkError;
    expect(error).toMatchObject({
      code: "BULK_FAILED",
      done: 1,
      failures: [],
      cause: new RangeError("a promise that is rejected"),
    });
    expect(error.message).toContain("the callback threw");
  });
});

describe("validate", () => {
  test("that throws has the task refused, with what it threw", async () => {
    const tasks = open({
      validate: () => {
        throw new RangeError("no such rule");
      },
    });
    const error = await failureOf(() => tasks.save(build()));
    expect(error).toMatchObject({
      code: "INVALID_DATA",
      taskList: "list",
      id: "id",
      field: "data",
      cause: new RangeError("no such rule"),
    });
    expect(error.message).toBe("example.v1.FetchFile: validate failed: no such rule");
    expect(await failureOf(() => tasks.saveAll([build()]))).toMatchObject({
      failures: [{ error: { code: "INVALID_DATA", outcome: "not-applied" } }],
    });
  });

  test("that throws makes no list unreadable", async () => {
    const adapter = new MemoryAdapter();
    await open({ adapter }).saveAll([build("a"), build("b")]);
    const validate = (_: unknown, __: unknown) => {
      throw new RangeError("no such rule");
    };
    const tasks = open({ adapter, validate, validateRead: true });
    const reasons: unknown[] = [];
    for await (const task of tasks.all("list")) reasons.push((task as unknown as { reason: unknown }).reason);
    expect(reasons).toMatchObject([{ code: "INVALID_DATA" }, { code: "INVALID_DATA" }]);
  });

  test.each(Object.entries(oddValues))("may throw anything: %s", async (_, thrown) => {
    const tasks = open({
      validate: () => {
        throw thrown;
      },
    });
    expect(await failureOf(() => tasks.save(build()))).toMatchObject({ code: "INVALID_DATA" });
  });

  test("gives no promise: it is not waited for, and what it rejects with goes with it", async () => {
    const tasks = open({ validate: rejecting });
    const error = await failureOf(() => tasks.save(build()));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", field: "validate" });
    expect(error.message).toContain("an array of violations, got an object (Promise); it is not awaited");
  });

  test("that gives what is no violation is told so", async () => {
    for (const violation of [null, 5, "x", { rule: "r" }, { field: 5, rule: "r" }]) {
      const error = await failureOf(() => open({ validate: () => [violation] }).save(build()));
      expect(error.code).toBe("INVALID_DATA");
      expect(error.message).toMatch(/^example\.v1\.FetchFile: the data breaks /);
    }
  });
});

describe("a function that gives what is needed at once", () => {
  test("gives no promise: adapterBuilder", async () => {
    const error = await failureOf(() => open({ adapter: undefined, adapterBuilder: rejecting }).find("l", "i"));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", field: "adapterBuilder" });
    expect(error.message).toContain("got an object (Promise); await it first");
  });

  test("gives no promise: the source of a generator", async () => {
    const error = await failureOf(() => open().saveAll(new TaskGenerator(rejecting as never)));
    expect(error).toMatchObject({ code: "BULK_FAILED", cause: { code: "INVALID_ARGUMENT", field: "source" } });
  });

  test.each(Object.entries(oddValues))("may throw anything: the source of a generator, %s", async (_, thrown) => {
    const source = new TaskGenerator(() => {
      throw thrown;
    });
    const error = await failureOf(() => open().saveAll(source));
    expect(error).toMatchObject({ code: "BULK_FAILED", message: expect.stringContaining("the source of tasks threw") });
    expect(error.cause).toBe(thrown);
  });

  test.each(Object.entries(oddValues))("may throw anything: adapterBuilder, %s", async (_, thrown) => {
    const adapterBuilder = () => {
      throw thrown;
    };
    const error = await failureOf(() => open({ adapter: undefined, adapterBuilder }).find("l", "i"));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", field: "adapterBuilder" });
    expect(error.cause).toBe(thrown);
  });
});

describe("execute that rejects with what hardly anything can be done with", () => {
  test.each(Object.entries(oddValues))("leaves the child open, and the composite: %s", async (_, thrown) => {
    class Failing extends FetchFileTask {
      override execute(): Promise<never> {
        return Promise.reject(thrown);
      }
    }
    const tasks = new DataInterface({ types: [Failing, CompositeTask], adapter: new MemoryAdapter() });
    await tasks.create(Failing, { taskList: "children", id: "a" });
    const composite = await tasks.create(CompositeTask, { taskList: "list", childTaskList: "children" });
    const { signal } = new AbortController();
    expect(await failureOf(() => composite.execute({ signal }))).toMatchObject({ code: "COMPOSITE_INCOMPLETE" });
    expect(await tasks.find("children", "a")).toBeInstanceOf(Failing);
  });
});

describe("an adapter that throws what hardly anything can be done with", () => {
  test.each(Object.entries(oddValues))("gives errors as any other: %s", async (_, thrown) => {
    const fail = () => Promise.reject(thrown);
    const adapter = Object.assign(new MemoryAdapter(), {
      save: fail,
      complete: fail,
      find: fail,
      all: () => ({ [Symbol.asyncIterator]: () => ({ next: fail }) }),
    });
    const tasks = open({ adapter });
    const saved = build();
    await open().save(saved);
    const read = tasks.fromBinary(saved.toBinary());
    const unavailable = (outcome: string) => ({ code: "UNAVAILABLE", outcome });
    expect(await failureOf(() => tasks.save(build()))).toMatchObject(unavailable("unknown"));
    expect(await failureOf(() => tasks.complete(read))).toMatchObject(unavailable("unknown"));
    expect(await failureOf(() => tasks.find("l", "i"))).toMatchObject(unavailable("not-applied"));
    expect(await failureOf(() => tasks.all("l").next())).toMatchObject(unavailable("not-applied"));
    expect(await failureOf(() => existingTasks("l", { tasks })[Symbol.asyncIterator]().next())).toMatchObject(
      unavailable("not-applied"),
    );
    expect(await failureOf(() => tasks.saveAll([build()]))).toMatchObject({
      failures: [{ error: unavailable("unknown") }],
    });
  });
});
