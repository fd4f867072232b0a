import { CompositeTask, DataInterface, type ExecuteContext, perform, recover, TaskError } from "taskledger";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FetchFileTask, memory, openIds, pass, replaceClaims, stopTime } from "./setup.js";

class FetchFile extends FetchFileTask {
  override execute(): Promise<string> {
    return Promise.resolve(this.id);
  }
}

beforeEach(stopTime);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function open() {
  return new DataInterface({ types: [FetchFile, CompositeTask], adapter: memory() });
}

const options = { olderThan: 0, every: 1_000, maxAttempts: 3, deadLetterList: "dead" };

test("a composite whose child a dead worker has claimed is not given up before that claim ends", async () => {
  const tasks = open();
  await tasks.create(CompositeTask, { taskList: "nightly", childTaskList: "files" });
  const child = await tasks.create(FetchFile, { taskList: "files", id: "file1" });
  await tasks.claim(child, { owner: "dead worker", lease: 60_000 });
  const stop = new AbortController();
  const recovery = recover(tasks, "nightly", undefined, { ...options, signal: stop.signal });
  await pass(59_000);
  expect(await openIds(tasks as never, "dead")).toEqual([]);
  await pass(15_000);
  stop.abort();
  expect(await recovery).toMatchObject({ completed: 1, failed: 1, deadLettered: 0 });
  for (const list of ["nightly", "files", "dead"]) expect(await openIds(tasks as never, list)).toEqual([]);
});

test("nor is one that contains it", async () => {
  const tasks = open();
  await tasks.create(CompositeTask, { taskList: "weekly", childTaskList: "nightly" });
  await tasks.create(CompositeTask, { taskList: "nightly", childTaskList: "files" });
  const child = await tasks.create(FetchFile, { taskList: "files", id: "file1" });
  await tasks.claim(child, { owner: "dead worker", lease: 60_000 });
  const stop = new AbortController();
  const recovery = recover(tasks, "weekly", undefined, { ...options, signal: stop.signal });
  await pass(90_000);
  stop.abort();
  expect(await recovery).toMatchObject({ completed: 1, failed: 1, deadLettered: 0 });
  for (const list of ["weekly", "nightly", "files", "dead"]) expect(await openIds(tasks as never, list)).toEqual([]);
});

test("a composite stays open whose child another worker has tried in vain just now", async () => {
  const tasks = open();
  const composite = await tasks.create(CompositeTask, { taskList: "nightly", childTaskList: "files" });
  const child = await tasks.create(FetchFile, { taskList: "files", id: "file1" });
  replaceClaims(tasks as never, (claims) => ({
    async claim(request) {
      if (request.id !== child.id) return claims.claim(request);
      const other = await claims.claim({ ...request, owner: "another" });
      await claims.release({ ...request, token: other?.token ?? 0n }, 0);
      return undefined;
    },
  }));
  expect(await perform(tasks, composite)).toMatchObject({ type: "failed", error: { code: "COMPOSITE_INCOMPLETE" } });
  expect(await openIds(tasks as never, "nightly")).toEqual([composite.id]);
});

test("a composite whose child fails is tried again as soon as any other task", async () => {
  const tasks = open();
  await tasks.create(CompositeTask, { taskList: "nightly", childTaskList: "files" });
  await tasks.create(FetchFile, { taskList: "files" });
  vi.spyOn(FetchFile.prototype, "execute").mockRejectedValue(new Error("no such file"));
  const stop = new AbortController();
  const recovery = recover(tasks, "nightly", undefined, { ...options, signal: stop.signal });
  await pass(8_000);
  stop.abort();
  expect(await recovery).toMatchObject({ failed: 2, deadLettered: 1 });
});

test("a composite stays open whose child another worker has saved again, and then dies", async () => {
  const tasks = open();
  const composite = await tasks.create(CompositeTask, { taskList: "nightly", childTaskList: "files" });
  await tasks.create(FetchFile, { taskList: "files", id: "file0" });
  const child = await tasks.create(FetchFile, { taskList: "files", id: "file1" });
  const progress = vi.spyOn(FetchFile.prototype, "execute").mockImplementationOnce(async () => {
    const others = await tasks.find("files", child.id);
    await tasks.claim(others as FetchFile, { owner: "dead worker", lease: 1_000 });
    await tasks.save(others as FetchFile);
    await pass(1_000);
    return "";
  });
  await pass(60_000);
  expect(await perform(tasks, composite)).toMatchObject({ type: "failed", error: { code: "COMPOSITE_INCOMPLETE" } });
  expect(progress).toHaveBeenCalledOnce();
  expect(await openIds(tasks as never, "files")).toEqual([child.id]);
});

test("a child that could not save its progress counts as given up only if it is", async () => {
  const tasks = open();
  const composite = await tasks.create(CompositeTask, { taskList: "nightly", childTaskList: "files" });
  const child = await tasks.create(FetchFile, { taskList: "files", id: "file1" });
  const save = tasks.adapter.save.bind(tasks.adapter);
  tasks.adapter.save = async (entries, given) => {
    if (entries[0]?.taskList !== "files") return save(entries, given);
    const error = new TaskError("TIMEOUT", "no answer", { outcome: "unknown" });
    return [{ ok: false, error, attempted: (child.envelope.savedAt ?? 0n) + 1_000n }];
  };
  vi.spyOn(FetchFile.prototype, "execute").mockImplementation(function (this: FetchFile) {
    return this.save() as never;
  });
  const results: unknown[] = [];
  for await (const { type } of composite.run({ maxAttempts: 1, deadLetterList: "dead" })) results.push(type);
  expect(results).toEqual(["dead-lettered"]);
  expect([await openIds(tasks as never, "files"), await openIds(tasks as never, "dead")]).toEqual([
    [],
    [expect.anything()],
  ]);
});

test("a composite of one's own that does several at once stays open, too, while others have children", async () => {
  class Nightly extends CompositeTask {
    override execute(context: ExecuteContext) {
      return super.execute({ ...context, concurrency: 2, maxAttempts: 1, deadLetterList: "dead" });
    }
  }
  const tasks = new DataInterface({ types: [FetchFile, Nightly], adapter: memory() });
  const composite = await tasks.create(Nightly, { taskList: "nightly", childTaskList: "files" });
  const children = [1, 2].map((i) => tasks.create(FetchFile, { taskList: "files", id: `file${i}` }));
  await tasks.claim((await Promise.all(children))[0] as FetchFile, { owner: "another" });
  vi.spyOn(FetchFile.prototype, "execute").mockRejectedValue(new Error("no such file"));
  expect(await perform(tasks, composite)).toMatchObject({ type: "failed", error: { code: "COMPOSITE_INCOMPLETE" } });
  expect(await openIds(tasks as never, "files")).toEqual(["file1"]);
  expect(await openIds(tasks as never, "dead")).toHaveLength(1);
});

test("a composite does not wait for tasks that were made while it ran", async () => {
  const tasks = open();
  const composite = await tasks.create(CompositeTask, { taskList: "nightly", childTaskList: "files" });
  await tasks.create(FetchFile, { taskList: "files", id: "file0" });
  await pass(60_000);
  vi.spyOn(FetchFile.prototype, "execute").mockImplementationOnce(async () => {
    await tasks.create(FetchFile, { taskList: "files", id: "new" });
    return "";
  });
  await pass(10);
  expect(await perform(tasks, composite)).toMatchObject({ type: "completed" });
});
