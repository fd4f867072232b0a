import type { Adapter } from "taskledger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { failureOf } from "../runtime/failure.js";
import { idsOf, recordingStore, standBefore } from "../runtime/stores.js";
import { create, LIST, memory, openTasks, pass, stopTime, type Tasks } from "./setup.js";

beforeEach(stopTime);
afterEach(() => vi.useRealTimers());

describe("tasks.stale", () => {
  test("gives what was saved a while ago, oldest first, and nothing younger", async () => {
    const tasks = openTasks();
    for (const id of ["c", "a"]) await create(tasks, id);
    await pass(1_000);
    await create(tasks, "b");
    expect(await idsOf(tasks.stale(LIST, { olderThan: 1_000 }))).toEqual(["c", "a"]);
    expect(await idsOf(tasks.stale(LIST, { olderThan: 1_001 }))).toEqual([]);
    expect(await idsOf(tasks.stale(LIST, { olderThan: 0 }))).toEqual(["c", "a", "b"]);
  });

  test("has the store leave out what is younger", async () => {
    const cutoffs: unknown[] = [];
    const inner = memory();
    const all: Adapter["all"] = (list, options) => {
      cutoffs.push(options.savedBefore);
      return inner.all(list, options);
    };
    const tasks = openTasks(standBefore(inner, { all }));
    await idsOf(tasks.stale(LIST, { olderThan: 5_000 }));
    expect(cutoffs).toEqual([BigInt(Date.now() - 5_000 + 1) * 1000n]);
  });

  test("reads nothing before the first pull", async () => {
    const adapter = recordingStore();
    const tasks = openTasks(adapter);
    const stale = tasks.stale(LIST, { olderThan: 0 });
    expect(adapter.calls).toEqual([]);
    await stale.next();
    expect(adapter.calls).toEqual([`all ${LIST}`]);
  });

  test("takes an age that is older than time", async () => {
    const tasks = openTasks();
    await create(tasks);
    expect(await idsOf(tasks.stale(LIST, { olderThan: 2 ** 31 - 1 }))).toEqual([]);
  });

  test("with unclaimed, leaves out what is claimed, and what waits to be tried again", async () => {
    const tasks = openTasks();
    const [claimed, waiting, released] = [
      await create(tasks, "claimed"),
      await create(tasks, "waiting"),
      await create(tasks, "released"),
    ];
    await create(tasks, "untouched");
    await tasks.claim(claimed, { lease: 2_000 });
    await (await tasks.claim(waiting))?.release({ retryIn: 1_000 });
    await (await tasks.claim(released))?.release();
    const unclaimed = () => idsOf(tasks.stale(LIST, { olderThan: 0, unclaimed: true }));
    expect(await unclaimed()).toEqual(["released", "untouched"]);
    await pass(1_000);
    expect(await unclaimed()).toEqual(["waiting", "released", "untouched"]);
    await pass(1_000);
    expect(await unclaimed()).toEqual(["claimed", "waiting", "released", "untouched"]);
  });

  test("with unclaimed, leaves nothing out that was saved again since it was claimed", async () => {
    const tasks = openTasks();
    const task = await create(tasks);
    await tasks.claim(task);
    await tasks.save(task);
    expect(await idsOf(tasks.stale(LIST, { olderThan: 0, unclaimed: true }))).toEqual(["file1"]);
  });

  test("with unclaimed, looks at the claims of a few tasks at a time, as they are asked for", async () => {
    const tasks = openTasks();
    for (let i = 0; i < 40; i++) await create(tasks, `file${i}`);
    const looks: number[] = [];
    const { claims } = tasks.adapter;
    const states: NonNullable<Adapter["claims"]>["states"] = (keys) => {
      looks.push(keys.length);
      return claims?.states(keys) as never;
    };
    Object.defineProperty(tasks.adapter, "claims", { value: { states } });
    const stale = tasks.stale(LIST, { olderThan: 0, unclaimed: true });
    await stale.next();
    expect(looks).toEqual([16]);
    expect(await idsOf(stale)).toHaveLength(39);
    expect(looks).toEqual([16, 16, 8]);
  });

  test("refuses an age that is none, and, with unclaimed, a store without claims", async () => {
    const tasks: Tasks = openTasks(standBefore(memory(), {}));
    for (const olderThan of [undefined, -1, Number.NaN, Number.POSITIVE_INFINITY, "1h"]) {
      const act = () => tasks.stale(LIST, { olderThan } as never);
      expect(await failureOf(act)).toMatchObject({ code: "INVALID_ARGUMENT", field: "olderThan" });
    }
    const act = () => tasks.stale(LIST, { olderThan: 0, unclaimed: true });
    expect(await failureOf(act)).toMatchObject({ code: "UNSUPPORTED" });
  });
});
