import { type Adapter, CompositeTask, DataInterface, moveTasks, OpaqueTask, recover, type Task } from "taskledger";
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

export function describeDamagedTasks(name: string, openStore: () => Promise<DamageableStore>): void {
  /** A list with a good task, bytes that are no envelope, another task's envelope under a wrong id, and a good task. */
  async function setUp() {
    const { adapter, damage } = await openStore();
    const tasks = new DataInterface({ types: [FetchFileTask, CompositeTask], adapter });
    const bodies = {
      garbage,
      misplaced: FetchFileTask.build({ taskList: "other", id: "x" }).toBinary(),
      empty: new Uint8Array(),
    };
    await tasks.create(FetchFileTask, { taskList: "l", id: "first", filename: "a" });
    for (const [id, body] of Object.entries(bodies)) {
      await tasks.create(FetchFileTask, { taskList: "l", id, filename: id });
      await damage("l", id, body);
    }
    await tasks.create(FetchFileTask, { taskList: "l", id: "last", filename: "b" });
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
      expect(await idsOf(tasks.all("l"))).toEqual(["first", "garbage", "misplaced", "empty", "last"]);
      expect(await idsOf(tasks.stale("l", { olderThan: 0 }))).toEqual([
        "first",
        "garbage",
        "misplaced",
        "empty",
        "last",
      ]);
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
      expect(await idsOf(tasks.all("l"))).toContain("garbage");
    });

    test("travels as bytes and as a hash, and comes back opaque", async () => {
      const tasks = await setUp();
      const task = await findDamaged(tasks);
      for (const copy of [tasks.fromBinary(task.toBinary()), tasks.fromHash(JSON.parse(JSON.stringify(task)))]) {
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
