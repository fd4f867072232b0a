import { CompositeTask, DataInterface, perform, recover } from "taskledger";
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
