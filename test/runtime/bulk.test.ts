import { type Adapter, BulkError, DataInterface, TaskError, TaskGenerator, type Version } from "taskledger";
import type { Outcome, SaveEntry } from "taskledger/adapter";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { failureOf } from "./failure.js";
import { idsOf, recordingStore, standBefore } from "./stores.js";

const key = (i: number) => ({ taskList: "datto.com", id: `file${i}` });
const build = (i: number) => FetchFileTask.build(key(i));
const buildMany = (count: number) => Array.from({ length: count }, (_, i) => build(i));

/** Lets everything run that is ready to. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}

async function bulkErrorOf(act: () => unknown): Promise<BulkError<FetchFileTask>> {
  const error = await failureOf(act);
  expect(error).toBeInstanceOf(BulkError);
  return error as BulkError<FetchFileTask>;
}

function interfaceOn(adapter: Adapter = new MemoryAdapter()): DataInterface<typeof FetchFileTask> {
  return new DataInterface({ types: [FetchFileTask], adapter });
}

/** A source that counts what is taken from it, and whether it was closed. */
function countedSource(count: number, atIndex?: (i: number) => unknown) {
  const source = {
    pulled: 0,
    isClosed: false,
    *[Symbol.iterator]() {
      try {
        for (let i = 0; i < count; i++) {
          source.pulled++;
          atIndex?.(i);
          yield build(i);
        }
      } finally {
        source.isClosed = true;
      }
    },
  };
  return source;
}

/** A store whose saves wait to be let through. */
function gatedStore() {
  const inner = new MemoryAdapter();
  const waiting: (() => void)[] = [];
  const sizes: number[] = [];
  let most = 0;
  const adapter = standBefore(inner, {
    async save(entries) {
      sizes.push(entries.length);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        most = Math.max(most, waiting.length);
      });
      return inner.save(entries);
    },
  });
  const open = async () => {
    for (;;) {
      await settle();
      const next = waiting.shift();
      if (next === undefined) return;
      next();
    }
  };
  return { adapter, sizes, waiting, open, most: () => most };
}

/** A store that fails for some of the tasks. */
function failingStore(
  isFailing: (entry: SaveEntry) => boolean,
  error = new TaskError("OVERLOADED", "too many writes"),
) {
  const inner = new MemoryAdapter();
  const save = async (entries: readonly SaveEntry[]): Promise<readonly Outcome<Version>[]> => {
    const outcomes = await inner.save(entries.filter((entry) => !isFailing(entry)));
    const rest = outcomes[Symbol.iterator]();
    return entries.map((entry) => (isFailing(entry) ? { ok: false, error } : (rest.next().value as Outcome<Version>)));
  };
  return standBefore(inner, { save });
}

describe("saveAll", () => {
  test("saves all tasks of an iterable, in its order, and gives their number", async () => {
    const tasks = interfaceOn();
    expect(await tasks.saveAll(buildMany(250))).toBe(250);
    expect(await idsOf(tasks.all("datto.com"))).toEqual(buildMany(250).map(({ id }) => id));
  });

  test("takes async iterables, generators, and none at all", async () => {
    const tasks = interfaceOn();
    async function* source() {
      yield build(1);
      yield build(2);
    }
    expect(await tasks.saveAll(source())).toBe(2);
    expect(await tasks.saveAll(new TaskGenerator([build(3)], source))).toBe(3);
    expect(await tasks.saveAll([])).toBe(0);
    expect(await idsOf(tasks.all("datto.com"))).toEqual(["file3", "file1", "file2"]);
  });

  test("gives each task its version", async () => {
    const many = buildMany(3);
    await interfaceOn().saveAll(many);
    for (const task of many) expect(task.envelope.savedAt).toBeTypeOf("bigint");
  });

  test("hands tasks to the store in batches of 100, or of the size that is asked for", async () => {
    const store = recordingStore();
    await interfaceOn(store).saveAll(buildMany(250));
    expect(store.calls).toEqual(["save 100", "save 100", "save 50"]);
    store.calls.length = 0;
    await interfaceOn(store).saveAll(buildMany(5), { batchSize: 2 });
    expect(store.calls).toEqual(["save 2", "save 2", "save 1"]);
  });

  test.each([undefined, 1, 3])("pulls no faster than the store takes tasks (concurrency: %s)", async (concurrency) => {
    const bound = concurrency ?? 8;
    const { adapter, waiting, open, most } = gatedStore();
    const source = countedSource(100);
    const saving = interfaceOn(adapter).saveAll(source, { batchSize: 5, concurrency });
    await settle();
    expect(waiting).toHaveLength(bound);
    expect(source.pulled).toBe(5 * bound);
    waiting.shift()?.();
    await settle();
    expect(source.pulled).toBe(5 * bound + 5);
    await open();
    expect(await saving).toBe(100);
    expect(most()).toBe(bound);
  });

  test("does not hold back a trickle for a full batch", async () => {
    const store = recordingStore();
    const gate = { open: () => {} };
    async function* trickle() {
      yield build(1);
      yield build(2);
      await new Promise<void>((resolve) => {
        gate.open = resolve;
      });
      yield build(3);
    }
    const saving = interfaceOn(store).saveAll(trickle());
    await settle();
    expect(store.calls).toEqual(["save 2"]);
    gate.open();
    expect(await saving).toBe(3);
    expect(store.calls).toEqual(["save 2", "save 1"]);
  });

  test("tells of each task once the store has acknowledged it", async () => {
    const { adapter, open } = gatedStore();
    const saved: string[] = [];
    const onSaved = (task: FetchFileTask) => saved.push(`${task.id} ${typeof task.envelope.savedAt}`);
    const saving = interfaceOn(adapter).saveAll(buildMany(3), { batchSize: 2, onSaved });
    await settle();
    expect(saved).toEqual([]);
    await open();
    await saving;
    expect(saved).toEqual(["file0 bigint", "file1 bigint", "file2 bigint"]);
  });

  test("of one task that comes twice saves it twice", async () => {
    const task = build(1);
    expect(await interfaceOn().saveAll([task, task])).toBe(2);
  });
});

describe("when some tasks can't be saved", () => {
  test("the others of the batch are, and the error tells which are which", async () => {
    const tasks = interfaceOn(failingStore(({ id }) => id === "file1"));
    const error = await bulkErrorOf(() => tasks.saveAll(buildMany(3)));
    expect(error).toMatchObject({
      code: "BULK_FAILED",
      outcome: "unknown",
      done: 2,
      causes: ["OVERLOADED"],
      message: "some tasks failed; done: 2, taken and not done: 1 (OVERLOADED; see failures)",
      cause: { code: "OVERLOADED" },
    });
    expect(error.failures.map(({ task, error }) => [task.id, error.code])).toEqual([["file1", "OVERLOADED"]]);
    expect(await idsOf(tasks.all("datto.com"))).toEqual(["file0", "file2"]);
  });

  test("nothing more is taken from the source, which is closed", async () => {
    const tasks = interfaceOn(failingStore(({ id }) => id === "file3"));
    const source = countedSource(100);
    const error = await bulkErrorOf(() => tasks.saveAll(source, { batchSize: 2, concurrency: 1 }));
    expect(error.done).toBe(3);
    expect(source).toMatchObject({ pulled: 4, isClosed: true });
  });

  test("what is under way is waited for, and counted", async () => {
    const { adapter, waiting, open } = gatedStore();
    const failing = standBefore(adapter, {
      save: async (entries) => {
        if (entries[0]?.id === "file4") throw new TaskError("UNAVAILABLE", "no host answers");
        return adapter.save(entries);
      },
    });
    const source = countedSource(100);
    let isOver = false;
    const saving = bulkErrorOf(() => interfaceOn(failing).saveAll(source, { batchSize: 2, concurrency: 3 }));
    saving.finally(() => {
      isOver = true;
    });
    await settle();
    expect(waiting).toHaveLength(2);
    expect(isOver).toBe(false);
    await open();
    const { done, failures } = await saving;
    expect(failures.map(({ task, error }) => [task.id, error.code])).toEqual([
      ["file4", "UNAVAILABLE"],
      ["file5", "UNAVAILABLE"],
    ]);
    expect([done, source.pulled]).toEqual([4, 6]);
  });

  test("a task that could never be saved does not keep its batch from being saved", async () => {
    const tasks = interfaceOn();
    const wrong = SendMailTask.build({ mailbox: "datto.com" });
    const broken = build(1);
    Object.assign(broken.data, { filename: 5 });
    const error = await failureOf(() =>
      tasks.saveAll<FetchFileTask | SendMailTask>([build(0), wrong, broken, build(2)]),
    );
    expect((error as BulkError).failures.map(({ error }) => [error.code, error.field])).toEqual([
      ["UNKNOWN_TYPE", "types"],
      ["INVALID_DATA", "filename"],
    ]);
    expect(await idsOf(tasks.all("datto.com"))).toEqual(["file0", "file2"]);
  });

  test("a batch of nothing but such tasks does not reach the store", async () => {
    const store = recordingStore();
    const error = await bulkErrorOf(() => interfaceOn(store).saveAll([{}, undefined, "file"] as never));
    expect(error.failures.map(({ error }) => error.code)).toEqual(Array(3).fill("TYPE_MISMATCH"));
    expect(store.calls).toEqual([]);
  });

  test("the outcome is not-applied only if none was saved", async () => {
    const tasks = interfaceOn(failingStore(() => true));
    expect(await bulkErrorOf(() => tasks.saveAll(buildMany(3)))).toMatchObject({ outcome: "not-applied", done: 0 });
  });

  test("each of their errors' codes is told once", async () => {
    const tasks = interfaceOn(failingStore(({ id }) => id !== "file0"));
    const error = await failureOf(() => tasks.saveAll<never>([build(0), {}, build(1), build(2)] as never));
    expect(error).toMatchObject({ causes: ["TYPE_MISMATCH", "OVERLOADED"] });
  });

  test("the outcome is unknown if it is for one of them", async () => {
    const unknown = new TaskError("TIMEOUT", "no answer", { outcome: "unknown" });
    const tasks = interfaceOn(failingStore(({ id }) => id === "file0", unknown));
    expect(await bulkErrorOf(() => tasks.saveAll([build(0)]))).toMatchObject({ outcome: "unknown", done: 0 });
  });

  test.each([
    [new Error("socket hang up"), "socket hang up"],
    [null, "it threw null"],
  ])("what an adapter throws says nothing of its effect: %s", async (thrown, message) => {
    const adapter = standBefore(new MemoryAdapter(), { save: () => Promise.reject(thrown) });
    const error = await bulkErrorOf(() => interfaceOn(adapter).saveAll(buildMany(2)));
    expect(error.failures.map(({ error }) => [error.code, error.outcome, error.message])).toEqual(
      Array(2).fill(["UNAVAILABLE", "unknown", message]),
    );
  });
});

describe("when the source throws", () => {
  const failure = new Error("the file of names is gone");
  const source = () =>
    countedSource(100, (i) => {
      if (i === 5) throw failure;
    });

  test("what was handed over is saved, and what was taken and was not is told", async () => {
    const tasks = interfaceOn();
    const error = await bulkErrorOf(() => tasks.saveAll(source(), { batchSize: 2 }));
    expect(error).toMatchObject({
      code: "BULK_FAILED",
      done: 4,
      message: "the source of tasks threw; done: 4, taken and not done: 1 (ABORTED; see failures)",
    });
    expect(error.cause).toBe(failure);
    expect(error.failures.map(({ task, error }) => [task.id, error.code, error.outcome])).toEqual([
      ["file4", "ABORTED", "not-applied"],
    ]);
    expect(await idsOf(tasks.all("datto.com"))).toEqual(["file0", "file1", "file2", "file3"]);
  });

  test("it may be at once, or asynchronously", async () => {
    const tasks = interfaceOn();
    async function* asynchronous() {
      yield* source();
    }
    expect(await bulkErrorOf(() => tasks.saveAll(asynchronous(), { batchSize: 5 }))).toMatchObject({ done: 5 });
    const noIterator = {
      [Symbol.iterator]: (): Iterator<FetchFileTask> => ({
        next: () => {
          throw failure;
        },
      }),
    };
    expect(await bulkErrorOf(() => tasks.saveAll(noIterator))).toMatchObject({ done: 0, failures: [], cause: failure });
  });

  test.each(["a sync", "an async"])(
    "while it is being closed, the first failure is what is told (%s source)",
    async (kind) => {
      const iterator = {
        next: () => ({ done: false as const, value: build(0) }),
        return: (): never => {
          throw new Error("return failed");
        },
      };
      const async = { next: async () => iterator.next(), return: async () => iterator.return() };
      const iterable =
        kind === "a sync" ? { [Symbol.iterator]: () => iterator } : { [Symbol.asyncIterator]: () => async };
      const tasks = interfaceOn(failingStore(() => true));
      expect(await bulkErrorOf(() => tasks.saveAll(iterable, { batchSize: 1 }))).toMatchObject({
        cause: { code: "OVERLOADED" },
      });
    },
  );
});

describe("when the callback throws", () => {
  test("the tasks of its batch count as done, which they are", async () => {
    const tasks = interfaceOn();
    const failure = new Error("no such queue");
    const onSaved = ({ id }: FetchFileTask) => {
      if (id === "file1") throw failure;
    };
    const source = countedSource(100);
    const error = await bulkErrorOf(() => tasks.saveAll(source, { batchSize: 4, concurrency: 1, onSaved }));
    expect(error).toMatchObject({
      code: "BULK_FAILED",
      done: 4,
      failures: [],
      message: "the callback threw; done: 4, taken and not done: none",
    });
    expect(error.cause).toBe(failure);
    expect(source).toMatchObject({ pulled: 4, isClosed: true });
  });
});

describe("when the signal is aborted", () => {
  const reason = new Error("shutting down");

  test("before the start, nothing is taken", async () => {
    const store = recordingStore();
    const source = countedSource(3);
    const iterator = source[Symbol.iterator]();
    const error = await bulkErrorOf(() => interfaceOn(store).saveAll(iterator, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: "ABORTED", outcome: "not-applied", done: 0, failures: [] });
    expect(error.cause).toBe(reason);
    expect(source.pulled).toBe(0);
    expect(iterator.next()).toEqual({ done: true, value: undefined });
    expect(store.calls).toEqual([]);
  });

  test("between batches, no more is taken, and what is under way is settled", async () => {
    const { adapter, open } = gatedStore();
    const controller = new AbortController();
    const source = countedSource(100);
    const { signal } = controller;
    const saving = bulkErrorOf(() => interfaceOn(adapter).saveAll(source, { batchSize: 2, concurrency: 2, signal }));
    await settle();
    controller.abort(reason);
    await open();
    expect(await saving).toMatchObject({ code: "ABORTED", done: 4, failures: [], cause: reason });
    expect(source).toMatchObject({ pulled: 4, isClosed: true });
  });

  test("while the source is waited for, that is not waited for any longer", async () => {
    const controller = new AbortController();
    async function* stuck() {
      yield build(1);
      yield build(2);
      await new Promise(() => {});
    }
    const saving = bulkErrorOf(() => interfaceOn().saveAll(stuck(), { batchSize: 2, signal: controller.signal }));
    await settle();
    controller.abort();
    expect(await saving).toMatchObject({ code: "ABORTED", done: 2, failures: [] });
  });

  test("is told to the adapter, whose answer counts", async () => {
    const controller = new AbortController();
    const aborted = new TaskError("ABORTED", "aborted while under way", { outcome: "unknown" });
    const adapter = standBefore(new MemoryAdapter(), {
      save: (_, { signal } = {}) =>
        new Promise((_, reject) => {
          signal?.addEventListener("abort", () => reject(aborted));
        }),
    });
    const saving = bulkErrorOf(() => interfaceOn(adapter).saveAll(buildMany(2), { signal: controller.signal }));
    await settle();
    controller.abort();
    const error = await saving;
    expect(error).toMatchObject({ code: "ABORTED", outcome: "unknown", done: 0 });
    expect(error.failures.map(({ task, error }) => [task.id, error.outcome])).toEqual([
      ["file0", "unknown"],
      ["file1", "unknown"],
    ]);
  });

  test("after the last task was saved, it changes nothing", async () => {
    const controller = new AbortController();
    const onSaved = ({ id }: FetchFileTask) => {
      if (id === "file2") controller.abort();
    };
    expect(await interfaceOn().saveAll(buildMany(3), { signal: controller.signal, onSaved })).toBe(3);
  });
});

describe("completeAll", () => {
  test("completes the tasks of a source, such as a list as it is read", async () => {
    const tasks = interfaceOn();
    await tasks.saveAll(buildMany(250));
    const completed: string[] = [];
    expect(await tasks.completeAll(tasks.all("datto.com"), { onCompleted: ({ id }) => completed.push(id) })).toBe(250);
    expect(completed.toSorted()).toEqual(
      buildMany(250)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(await idsOf(tasks.all("datto.com"))).toEqual([]);
  });

  test("leaves a task that was never saved, and says so", async () => {
    const tasks = interfaceOn();
    const saved = await tasks.create(FetchFileTask, key(1));
    const error = await bulkErrorOf(() => tasks.completeAll([build(0), saved]));
    expect(error).toMatchObject({ code: "BULK_FAILED", done: 1 });
    expect(error.failures.map(({ task, error }) => [task.id, error.code])).toEqual([["file0", "NOT_SAVED"]]);
    expect(await idsOf(tasks.all("datto.com"))).toEqual([]);
  });

  test("tells which tasks the store did not complete", async () => {
    const inner = new MemoryAdapter();
    const adapter = standBefore(inner, {
      async complete(entries) {
        await inner.complete(entries.slice(1));
        const error = new TaskError("TIMEOUT", "no answer", { outcome: "unknown" });
        return entries.map((_, i) => (i === 0 ? { ok: false, error } : { ok: true, value: undefined }));
      },
    });
    const tasks = interfaceOn(adapter);
    const many = buildMany(3);
    await tasks.saveAll(many);
    const error = await bulkErrorOf(() => tasks.completeAll(many));
    expect(error).toMatchObject({ code: "BULK_FAILED", outcome: "unknown", done: 2 });
    expect(await idsOf(tasks.all("datto.com"))).toEqual(["file0"]);
  });
});
