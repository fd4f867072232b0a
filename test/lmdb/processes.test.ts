import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { LmdbAdapter } from "../../src/adapters/lmdb.js";
import { readStamp } from "../../src/envelope.js";
import { newTaskList, taskEntry } from "../../src/testing/entries.js";
import { temporaryFolder } from "./folders.js";
import { type Said, StoreProcess, type Task } from "./process.js";
import { expectWhole } from "./whole.js";

const processes: StoreProcess[] = [];

function start(...given: ConstructorParameters<typeof StoreProcess>): StoreProcess {
  const started = new StoreProcess(...given);
  processes.push(started);
  return started;
}

afterEach(async () => {
  await Promise.all(processes.splice(0).map((each) => each.kill()));
});

describe("several processes on one folder", { timeout: 120_000 }, () => {
  it("find and list what another has acknowledged, although they read just before and nothing else happened", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const adapter = new LmdbAdapter({ path });
    const other = start(path);
    await other.ask("open");
    for (let i = 0; i < 5; i++) {
      const key = { taskList: list, id: `${i}` };
      expect(await adapter.find([key])).toEqual([undefined]);
      other.tell("save", list, [key.id]);
      for (let tries = 0; tries < 8 && (await adapter.find([key]))[0] === undefined; tries++) sleepSync(200);
      expect((await adapter.find([key]))[0]).toBeDefined();
      expect(await idsOf(adapter, list)).toHaveLength(i + 1);
      expect(await other.hear()).toHaveProperty("answer");
    }
    await adapter.close();
  });

  it("lose nothing and revive nothing when all of them save, complete and list, the same tasks too", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const storms = await Promise.all(
      [1, 2, 3, 4].map((seed) =>
        start(path).ask<{ saved: Task[]; completed: Task[] }>("storm", list, `own-${seed}-`, "shared-", seed, 60),
      ),
    );
    const saved = storms.flatMap((storm) => storm.saved);
    const versions = saved.map(({ id, savedAt }) => `${id} ${savedAt}`);
    expect(versions.filter((version, i) => versions.indexOf(version) !== i)).toEqual([]);
    expect(versions).toHaveLength(4 * 8 * 60 * 2);

    // Whatever was completed went with all that is older; so the latest of each task is there, or nothing.
    const completed = new Set(storms.flatMap((storm) => storm.completed.map(({ id, savedAt }) => `${id} ${savedAt}`)));
    const open = latestOfEach(saved).filter(({ id, savedAt }) => !completed.has(`${id} ${savedAt}`));
    expect(sorted(await start(path).ask<Task[]>("list", list))).toEqual(sorted(open));
    await expectWhole(path);
  });

  it("make one store of a new folder, if all of them open it at the same moment", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const started = Array.from({ length: 5 }, () => start(path));
    // Each waits for its first line; then all of them go at once.
    const saved = await Promise.all(started.map((each, i) => each.ask<Task[]>("save", list, [`${i}`])));
    for (const each of started) expect(sorted(await each.ask<Task[]>("list", list))).toEqual(sorted(saved.flat()));
  });

  it("save later than all that others have saved, though their clocks are ahead and the task is gone", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const ahead = start(path, { clockAhead: 1_500_000 });
    const behind = start(path);
    const first = await ahead.ask<Task[]>("save", list, ["a"]);
    await ahead.ask("complete", first);
    const second = await behind.ask<Task[]>("save", list, ["a"]);
    expect(BigInt(second[0]?.savedAt ?? 0)).toBeGreaterThan(BigInt(first[0]?.savedAt ?? 0));
    await ahead.ask("complete", first); // once more, as after an error of unknown outcome
    expect(await behind.ask("list", list)).toEqual(second);
  });

  it("wait for one that holds the lock; what is aborted meanwhile is told truly", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const adapter = new LmdbAdapter({ path });
    await adapter.open();
    const other = start(path);
    other.tell("hold", 3000);
    expect(await other.hear()).toEqual({ holding: true });

    const controller = new AbortController();
    const { signal } = controller;
    const underWay = adapter.save([taskEntry(list, "under way")], { signal });
    await sleep(20);
    const queued = adapter.save([taskEntry(list, "queued")], { signal });
    const notAborted = adapter.save([taskEntry(list, "not aborted")]);
    const aborted = await adapter.save([taskEntry(list, "never")], { signal: AbortSignal.timeout(50) });
    expect(aborted[0]).toMatchObject({ ok: false, error: { code: "ABORTED", outcome: "not-applied" } });
    controller.abort();
    expect((await queued)[0]).toMatchObject({ ok: false, error: { code: "ABORTED", outcome: "not-applied" } });
    const [unknown] = await underWay;
    expect(unknown).toMatchObject({ ok: false, error: { code: "ABORTED", outcome: "unknown" } });

    expect((await notAborted)[0]).toMatchObject({ ok: true });
    const [bytes] = await adapter.find([{ taskList: list, id: "under way" }]);
    expect(unknown).toMatchObject({ attempted: readStamp(bytes as Uint8Array).savedAt });
    expect(await idsOf(adapter, list)).toEqual(["under way", "not aborted"]);
    await adapter.close();
  });

  it("do not wait for one whose events wait, though it has begun to save", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const adapter = new LmdbAdapter({ path });
    await adapter.open();
    const other = start(path);
    await other.ask("open");
    // From the moment at which the transaction is begun to the one at which it may be over.
    for (let turns = 1; turns <= 6; turns++) {
      const release = join(path, `go-on-${turns}`);
      other.tell("stall", list, turns, release);
      expect(await other.hear()).toEqual({ stalling: true });
      expect((await adapter.save([taskEntry(list, "a")]))[0]).toMatchObject({ ok: true });
      writeFileSync(release, ""); // only now: a save that waited would wait for ever
      expect(await other.hear()).toHaveProperty("answer");
    }
    await adapter.close();
  });

  it("may exit with saves under way: they end, keep what they acknowledged, and hold up nobody", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const said: Said[] = [];
    for (const moment of [0, 1, 2, 5, 20, 200]) {
      const leaving = start(path);
      leaving.tell("exit", list, moment);
      for (let line = await leaving.hear(); line; line = await leaving.hear()) said.push(line);
      expect(await leaving.end()).toBe(0);
      expect(leaving.errors).toBe("");
    }
    const adapter = new LmdbAdapter({ path });
    expect((await adapter.save([taskEntry(list, "after")]))[0]).toMatchObject({ ok: true });
    const ids = await idsOf(adapter, list);
    expect(said.length).toBeGreaterThan(0);
    for (const { saved } of said) expect(ids).toContain(saved?.id);
    await adapter.close();
  });
});

/** Stops this process, so that none of its timers and events come. */
function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

async function idsOf(adapter: LmdbAdapter, taskList: string): Promise<string[]> {
  const other: string[] = [];
  for await (const page of adapter.all(taskList, { pageSize: 10, maxPageBytes: 1024 * 1024 }))
    other.push(...page.map((bytes) => readStamp(bytes).id));
  return other;
}

function sorted(tasks: readonly Task[]): Task[] {
  return tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function latestOfEach(tasks: readonly Task[]): Task[] {
  const latest = new Map<string, Task>();
  for (const task of tasks)
    if (BigInt(task.savedAt) > BigInt(latest.get(task.id)?.savedAt ?? 0)) latest.set(task.id, task);
  return [...latest.values()];
}
