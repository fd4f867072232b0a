import {
  type Adapter,
  CompositeTask,
  DataInterface,
  encodeFrames,
  moveTasks,
  OpaqueTask,
  type RecoverEvent,
  recover,
  type Task,
  toBatch,
} from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { idsOf } from "./stores.js";

/** A store whose bytes can be changed behind the adapter's back. */
export interface DamageableStore {
  readonly adapter: Adapter;
  /** Puts other bytes in the place of a stored task's body. */
  damage(taskList: string, id: string, body: Uint8Array): Promise<void>;
}

const garbage = Uint8Array.of(0xff, 1, 2);
const damagedIds = ["garbage", "misplaced", "empty"];

class FetchFile extends FetchFileTask {
  override async execute(): Promise<void> {}
}

export function describeDamagedTasks(name: string, openStore: () => Promise<DamageableStore>): void {
  /** A list with a good task, bytes that are no envelope, another task's envelope under a wrong id, and a good task. */
  async function setUp() {
    const { adapter, damage } = await openStore();
    const tasks = new DataInterface({ types: [FetchFile, CompositeTask], adapter });
    const bodies = {
      garbage,
      misplaced: FetchFileTask.build({ taskList: "other", id: "x" }).toBinary(),
      empty: new Uint8Array(),
    };
    await tasks.create(FetchFile, { taskList: "l", id: "first", filename: "a" });
    for (const [id, body] of Object.entries(bodies)) {
      await tasks.create(FetchFile, { taskList: "l", id, filename: id });
      await damage("l", id, body);
    }
    await tasks.create(FetchFile, { taskList: "l", id: "last", filename: "b" });
    return tasks;
  }

  describe(`a task in ${name} that is no envelope of its list and id`, () => {
    test("comes as an opaque task with its key, its version, its bytes and the reason", async () => {
      const task = await findDamaged(await setUp());
      expect(task).toMatchObject({ taskList: "l", id: "garbage", type: "taskledger.v1.DamagedTask" });
      expect(task.envelope.savedAt).toBeTypeOf("bigint");
      expect(Buffer.from(task.data.value).includes(Buffer.from(garbage))).toBe(true);
      expect(task.reason).toMatchObject({ code: "INVALID_ENVELOPE", taskList: "l", id: "garbage" });
    });

    test("is told apart from a task of another list or id", async () => {
      const { reason } = await findDamaged(await setUp(), "misplaced");
      expect(reason).toMatchObject({ code: "INVALID_ENVELOPE", id: "misplaced" });
      expect(reason.message).toContain('of another list and id: "other" and "x"');
    });

    test("does not stand in the way of the others of its list", async () => {
      const tasks = await setUp();
      const ids = ["first", ...damagedIds, "last"];
      expect(await idsOf(tasks.all("l"))).toEqual(ids);
      expect(await idsOf(tasks.stale("l", { olderThan: 0 }))).toEqual(ids);
    });

    test("can be completed", async () => {
      const tasks = await setUp();
      await tasks.complete(await findDamaged(tasks));
      expect(await tasks.find("l", "garbage")).toBeUndefined();
    });

    test("is given up by recover like a task that can't be done, and its bytes are kept among the dead letters", async () => {
      const tasks = await setUp();
      const done: string[] = [];
      const work = (task: Task) => {
        if (task instanceof OpaqueTask) throw task.reason;
        done.push(task.id);
      };
      await recover(tasks, "l", work, { olderThan: 0, maxAttempts: 1, deadLetterList: "dead", opaque: true });
      expect(done).toEqual(["first", "last"]);
      expect(await idsOf(tasks.all("l"))).toEqual([]);
      const bodies: Uint8Array[] = [];
      for await (const dead of tasks.all("dead")) bodies.push((dead as OpaqueTask).data.value);
      expect(Buffer.from(bodies[0] as Uint8Array).includes(Buffer.from(garbage))).toBe(true);
      expect(bodies).toHaveLength(3);
    });

    test("ends no run of recover that goes on: each pass does the others, and passes it over", async () => {
      const tasks = await setUp();
      const stop = new AbortController();
      const done: string[] = [];
      let passes = 0;
      const onEvent = async ({ type }: RecoverEvent) => {
        if (type !== "pass") return;
        if (++passes === 1) await tasks.create(FetchFile, { taskList: "l", id: "later" });
        if (done.includes("later")) stop.abort();
      };
      const options = { olderThan: 0, every: 10, onEvent, signal: stop.signal };
      const counts = await recover(tasks, "l", (task) => void done.push(task.id), options);
      expect(done).toEqual(["first", "last", "later"]);
      expect(counts).toMatchObject({ completed: 3, failed: 0, passedOver: 3 * passes });
      expect(await idsOf(tasks.all("l"))).toEqual(damagedIds);
    });

    test("is moved to another store with its bytes", async () => {
      const [from, to] = [await setUp(), new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() })];
      expect(await moveTasks(from, to, "l")).toBe(5);
      const moved = await findDamaged(to);
      expect(Buffer.from(moved.data.value).includes(Buffer.from(garbage))).toBe(true);
    });

    test("stays open among a composite's children, whose others are done", async () => {
      const tasks = await setUp();
      const composite = await tasks.create(CompositeTask, { taskList: "top", childTaskList: "l" });
      await expect(composite.execute({ signal: AbortSignal.timeout(5_000) })).rejects.toMatchObject({
        code: "COMPOSITE_INCOMPLETE",
      });
      expect(await idsOf(tasks.all("l"))).toEqual(damagedIds);
    });

    test("travels as bytes, as a hash, in a batch and in frames, and comes back opaque", async () => {
      const tasks = await setUp();
      const task = await findDamaged(tasks);
      const good = (await tasks.find("l", "first")) as Task;
      const batch = tasks.fromBatch(toBatch([good, task, good]));
      const frames: Task[] = [];
      for await (const copy of tasks.decodeFrames(encodeFrames([good, task, good]))) frames.push(copy);
      for (const copies of [batch, frames]) expect(copies.map(({ id }) => id)).toEqual(["first", "garbage", "first"]);
      const binary = tasks.fromBinary(task.toBinary());
      const hash = tasks.fromHash(JSON.parse(JSON.stringify(task)));
      for (const copy of [binary, hash, batch[1], frames[1]]) {
        expect(copy).toBeInstanceOf(OpaqueTask);
        expect((copy as OpaqueTask).data).toEqual(task.data);
      }
    });
  });
}

async function findDamaged(tasks: DataInterface, id = "garbage", list = "l"): Promise<OpaqueTask> {
  const task = await tasks.find(list, id);
  if (!(task instanceof OpaqueTask)) throw new Error(`${id} is no opaque task`);
  return task;
}
