import { setTimeout } from "node:timers/promises";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { processClock } from "../../src/adapter/index.js";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import { DataInterface, moveTasks, OpaqueTask, type Task, TaskError } from "../../src/index.js";

const list = "moving";
const memory = () => new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });

async function ids(tasks: DataInterface): Promise<string[]> {
  const found: string[] = [];
  for await (const task of tasks.all(list)) found.push(task.id);
  return found.sort();
}

async function filled(count: number): Promise<DataInterface<typeof FetchFileTask>> {
  const tasks = memory();
  const all = Array.from({ length: count }, (_, i) =>
    FetchFileTask.build({ taskList: list, id: `file${i}`, filename: `${i}` }, { headers: { n: `${i}` } }),
  );
  await tasks.saveAll(all);
  return tasks;
}

describe("moveTasks", () => {
  it("moves every open task, with all that it carries", async () => {
    const [from, to] = [await filled(100), memory()];
    expect(await moveTasks(from, to, list)).toBe(100);
    expect(await ids(from)).toEqual([]);
    expect(await ids(to)).toHaveLength(100);
    const task = (await to.find(list, "file7")) as FetchFileTask;
    expect([task.filename, task.envelope.headers]).toEqual(["7", { n: "7" }]);
  });

  it("gives a later version there than here, so that who holds the old one completes nothing there", async () => {
    const [from, to] = [await filled(1), memory()];
    const held = (await from.find(list, "file0")) as Task;
    await moveTasks(from, to, list);
    await to.complete(to.fromBinary(held.toBinary()));
    expect(await ids(to)).toEqual(["file0"]);
  });

  it("overwrites what an earlier call left there and was saved again here since", async () => {
    const [from, to] = [await filled(1), memory()];
    const old = (await from.find(list, "file0")) as FetchFileTask;
    await to.save(to.fromBinary(old.toBinary()) as FetchFileTask);
    await setTimeout(2);
    await from.create(FetchFileTask, { taskList: list, id: "file0", filename: "newer" });
    expect(await moveTasks(from, to, list)).toBe(1);
    expect(((await to.find(list, "file0")) as FetchFileTask).filename).toBe("newer");
  });

  it("moves what is saved while it is being moved", async () => {
    const [from, to] = [await filled(1), memory()];
    const complete = from.adapter.complete.bind(from.adapter);
    let isSaved = false;
    from.adapter.complete = async (entries, options) => {
      if (!isSaved) await from.create(FetchFileTask, { taskList: list, id: "file0", filename: "newer" });
      isSaved = true;
      return complete(entries, options);
    };
    await moveTasks(from, to, list);
    expect(((await to.find(list, "file0")) as FetchFileTask).filename).toBe("newer");
    expect(await ids(from)).toEqual([]);
  });

  describe("of a task whose version a wrong clock has made, far ahead of all others", () => {
    const far = ((processClock.horizon() + 86_400_000_000n) / 1_000_000n) * 1_000_000n;
    /** Saves a task as one would that had read that version. */
    async function withFarVersion(tasks: DataInterface): Promise<DataInterface> {
      const bytes = FetchFileTask.build({ taskList: list, id: "far", filename: "old" }).toBinary();
      const envelope = fromBinary(TaskEnvelopeSchema, bytes);
      envelope.savedAt = { $typeName: "google.protobuf.Timestamp", seconds: far / 1_000_000n, nanos: 0 };
      await tasks.save(tasks.fromBinary(toBinary(TaskEnvelopeSchema, envelope)));
      return tasks;
    }

    it("gives it a version of this host's clock", async () => {
      const [from, to] = [await withFarVersion(memory()), memory()];
      expect(await moveTasks(from, to, list)).toBe(1);
      expect((await to.find(list, "far"))?.envelope.savedAt).toBeLessThan(processClock.horizon());
      expect(await ids(from)).toEqual([]);
    });

    it("keeps what is there already, which may be later", async () => {
      const [from, to] = [await withFarVersion(memory()), memory()];
      await to.create(FetchFileTask, { taskList: list, id: "far", filename: "newer" });
      expect(await moveTasks(from, to, list)).toBe(1);
      expect(((await to.find(list, "far")) as FetchFileTask).filename).toBe("newer");
    });
  });

  it("moves data that is not valid any more", async () => {
    const tasks = await filled(1);
    const refuse = () => {
      throw new Error("not valid");
    };
    const to = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter(), validate: refuse });
    expect(await moveTasks(tasks, to, list)).toBe(1);
    expect(await ids(to)).toEqual(["file0"]);
  });

  it("refuses to move a store's tasks to the same store, and completes none", async () => {
    const from = await filled(2);
    const sameAdapter = new DataInterface({ types: [FetchFileTask], adapter: from.adapter });
    for (const to of [from, sameAdapter])
      await expect(moveTasks(from, to, list)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field: "to" });
    expect(await ids(from)).toHaveLength(2);
  });

  it("does not overwrite a later version", async () => {
    const [from, to] = [await filled(2), memory()];
    await to.create(FetchFileTask, { taskList: list, id: "file0", filename: "newer" });
    expect(await moveTasks(from, to, list)).toBe(2);
    expect(((await to.find(list, "file0")) as FetchFileTask).filename).toBe("newer");
    expect(await ids(to)).toEqual(["file0", "file1"]);
  });

  it("moves tasks of types that neither side knows", async () => {
    const adapter = new MemoryAdapter();
    const mail = new DataInterface({ types: [SendMailTask], adapter });
    await mail.create(SendMailTask, { mailbox: list, messageId: "m1", subject: "s" });
    const [from, to] = [new DataInterface({ types: [FetchFileTask], adapter }), memory()];
    expect(await moveTasks(from, to, list)).toBe(1);
    expect(await to.find(list, "m1")).toBeInstanceOf(OpaqueTask);
  });

  it("leaves each task in one store or the other when it fails, and goes on where it stopped", async () => {
    const [from, to] = [await filled(50), memory()];
    const saves = to.adapter.save.bind(to.adapter);
    let left = 20;
    to.adapter.save = (entries, options) => {
      if (left-- <= 0) throw new TaskError("UNAVAILABLE", "the other store is away");
      return saves(entries, options);
    };
    await expect(moveTasks(from, to, list, { concurrency: 4 })).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const both = [...(await ids(from)), ...(await ids(to))];
    expect(new Set(both).size).toBe(50);
    to.adapter.save = saves;
    await moveTasks(from, to, list);
    expect([await ids(from), (await ids(to)).length]).toEqual([[], 50]);
  });

  it("stops when it is aborted", async () => {
    const [from, to] = [await filled(50), memory()];
    await expect(moveTasks(from, to, list, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
    expect(await ids(from)).toHaveLength(50);
  });
});
