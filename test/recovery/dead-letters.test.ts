import { DataInterface, OpaqueTask, perform, recover, revive, type Task, TaskError } from "taskledger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import {
  counted,
  create,
  FetchFileTask,
  failing,
  find,
  LIST,
  nothing,
  type Options,
  openIds,
  openTasks,
  pass,
  recoverOnce,
  stopTime,
  type Tasks,
} from "./setup.js";

let tasks: Tasks;

beforeEach(() => {
  stopTime();
  tasks = openTasks();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const fail = () => {
  throw new TaskError("UNAVAILABLE", "the other side is away");
};

/** Passes with all waiting in between, each of which fails. */
async function failTimes(count: number, options: Options = {}): Promise<string[]> {
  const types: string[] = [];
  for (let i = 0; i < count; i++) {
    const { events } = await recoverOnce(tasks, fail, options);
    types.push(...events.map(({ type }) => type).filter((type) => type !== "claimed"));
    await pass(600_000);
  }
  return types;
}

async function deadLetters(): Promise<Task[]> {
  const letters: Task[] = [];
  for await (const task of tasks.all("dead")) letters.push(task);
  return letters;
}

describe("with a dead-letter list", () => {
  const options = { maxAttempts: 3, deadLetterList: "dead" };

  test("a task that failed maxAttempts times is moved there, with all that it carries, and why, when and how often", async () => {
    const task = await create(tasks);
    expect(await failTimes(3, options)).toEqual(["failed", "failed", "dead-lettered"]);
    expect(await openIds(tasks)).toEqual([]);
    const [letter] = (await deadLetters()) as [FetchFileTask];
    expect(letter.filename).toBe("file1.txt");
    expect(letter.envelope.createdAt).toEqual(task.envelope.createdAt);
    expect(letter.envelope.attempt).toBe(3);
    expect(letter.envelope.headers).toEqual({
      "taskledger-dead-list": LIST,
      "taskledger-dead-id": "file1",
      "taskledger-dead-at": new Date(Date.now() - 600_000).toISOString(),
      "taskledger-dead-attempts": "3",
      "taskledger-dead-reason": "UNAVAILABLE: the other side is away",
    });
  });

  test("where the copy can't be saved, the original stays open, and is tried again later", async () => {
    await create(tasks);
    const { save } = tasks.adapter;
    tasks.adapter.save = failing("UNAVAILABLE", "unknown") as never;
    expect(await failTimes(2, { ...options, maxAttempts: 1 })).toEqual(["failed", "failed"]);
    expect(await openIds(tasks)).toEqual(["file1"]);
    tasks.adapter.save = save;
    expect(await failTimes(1, { ...options, maxAttempts: 1 })).toEqual(["dead-lettered"]);
    expect([await openIds(tasks), (await deadLetters()).length]).toEqual([[], 1]);
  });

  test("a task of the maximum size is moved there, though its copy is larger, and comes back as it was", async () => {
    const small = new DataInterface({ types: [FetchFileTask], adapter: tasks.adapter, maxTaskBytes: 2_000 });
    const build = (length: number) => FetchFileTask.build({ taskList: LIST, id: "full", filename: "x".repeat(length) });
    const room = 2_000 - 15 - (build(1_000).toBinary().length - 1_000);
    await small.save(build(room));
    await expect(small.save(build(room + 1))).rejects.toMatchObject({ code: "TOO_LARGE" });
    await pass(60_000);
    const full = `${"y".repeat(900)}!`;
    const work = () => Promise.reject(new Error(full));
    expect(await recover(small, LIST, work, { ...options, maxAttempts: 1 })).toMatchObject({ deadLettered: 1 });
    expect(await openIds(small)).toEqual([]);
    const [letter] = (await deadLetters()) as [FetchFileTask];
    expect(letter.envelope.headers["taskledger-dead-reason"]).toBe(full);
    expect(await revive(small, "dead")).toMatchObject([{ type: "revived" }]);
    const revived = await small.find(LIST, "full");
    expect(revived).toMatchObject({ filename: "x".repeat(room), envelope: { headers: {} } });
    expect(revived?.toBinary().length).toBeLessThanOrEqual(2_000);
  });

  test("a dead letter that is given up in its list, too, leads back to where it came from first", async () => {
    await create(tasks);
    await failTimes(1, { ...options, maxAttempts: 1 });
    await recover(tasks, "dead", fail, { ...options, maxAttempts: 1, olderThan: 0, deadLetterList: "dead again" });
    expect([await openIds(tasks, "dead"), (await openIds(tasks, "dead again")).length]).toEqual([[], 1]);
    expect(await revive(tasks, "dead again")).toMatchObject([
      { type: "revived", origin: { taskList: LIST, id: "file1" } },
    ]);
    expect(await openIds(tasks)).toEqual(["file1"]);
  });

  test("a task whose worker died in its last attempt is given up without another one", async () => {
    const task = await create(tasks);
    for (let i = 0; i < 3; i++) {
      await tasks.claim(task, { lease: 1_000 });
      await pass(1_000);
    }
    const handler = vi.fn();
    const { counts } = await recoverOnce(tasks, handler, options);
    expect(handler).not.toHaveBeenCalled();
    expect(counts).toEqual(counted({ deadLettered: 1 }));
    expect((await deadLetters())[0]?.envelope.headers["taskledger-dead-reason"]).toMatch(/did not end/);
  });

  test("what the handler did to the task it was given is not in the copy, unless it was saved", async () => {
    await create(tasks);
    await recoverOnce(
      tasks,
      (task) => {
        (task as FetchFileTask).data.filename = "spoilt";
        fail();
      },
      { ...options, maxAttempts: 1 },
    );
    expect(await deadLetters()).toMatchObject([{ filename: "file1.txt" }]);
  });

  test("a task that its handler completed, or that another saved again, is not moved", async () => {
    await create(tasks, "completed");
    await create(tasks, "saved again");
    const handler = async (task: Task) => {
      const other = await find(tasks, task.id);
      await (task.id === "completed" ? tasks.complete(other) : tasks.save(other));
      fail();
    };
    const { counts } = await recoverOnce(tasks, handler, { ...options, maxAttempts: 1 });
    expect(counts).toEqual(counted({ passedOver: 2 }));
    expect(await openIds(tasks)).toEqual(["saved again"]);
    expect(await deadLetters()).toEqual([]);
  });

  test("opaque tasks are moved byte for byte", async () => {
    const mail = new DataInterface({ types: [SendMailTask], adapter: tasks.adapter });
    const task = await mail.create(SendMailTask, { mailbox: LIST, messageId: "m1", subject: "s" });
    expect(await failTimes(1, { ...options, maxAttempts: 1, opaque: true })).toEqual(["dead-lettered"]);
    const [letter] = await deadLetters();
    expect(letter).toBeInstanceOf(OpaqueTask);
    const read = await mail.find("dead", letter?.id as string);
    expect(read).toMatchObject({ messageId: "m1", subject: "s", envelope: { createdAt: task.envelope.createdAt } });
  });

  test("no task takes another's place there: neither a later version, nor one of another list", async () => {
    for (const filename of ["monday", "tuesday"]) {
      await tasks.create(FetchFileTask, { taskList: LIST, id: "nightly", filename });
      await failTimes(1, { ...options, maxAttempts: 1 });
    }
    expect(await deadLetters()).toMatchObject([{ filename: "monday" }, { filename: "tuesday" }]);
    const ids = new Set<string>();
    for (const [taskList, id] of [
      ["a/b", "c"],
      ["a", "b/c"],
      ["x".repeat(512), "y"],
      ["x".repeat(512), "z"],
    ]) {
      await tasks.create(FetchFileTask, { taskList: taskList as string, id: id as string });
      await recover(tasks, taskList as string, fail, { olderThan: 0, ...options, maxAttempts: 1 });
    }
    for (const { id } of await deadLetters()) ids.add(id);
    expect(ids.size).toBe(6);
  });

  test("a task that is saved anew once it was moved begins with attempt 1", async () => {
    await create(tasks);
    await failTimes(3, options);
    await create(tasks);
    expect(await failTimes(1, options)).toEqual(["failed"]);
  });
});

describe("without a dead-letter list", () => {
  test("an exhausted task stays open and is passed over, with the reason, and its attempts grow no more", async () => {
    const task = await create(tasks);
    expect(await failTimes(4, { maxAttempts: 2 })).toEqual(["failed", "exhausted"]);
    expect((await recoverOnce(tasks, nothing, { maxAttempts: 2 })).counts).toEqual(counted({ passedOver: 1 }));
    const result = await perform(tasks, task, nothing, { maxAttempts: 2 });
    expect(result).toMatchObject({ type: "passed-over", reason: "given-up" });
    expect(await tasks.claimState(task)).toMatchObject({ attempt: 2 });
  });

  test("a dead letter that is done once more, and fails, is given up where it is", async () => {
    const letter = await create(tasks);
    const options = { maxAttempts: 1, deadLetterList: letter.taskList };
    expect(await perform(tasks, letter, fail, options)).toMatchObject({ type: "exhausted", attempt: 1 });
    const result = await perform(tasks, letter, nothing, options);
    expect(result).toMatchObject({ type: "passed-over", reason: "given-up" });
    expect(await tasks.claimState(letter)).toMatchObject({ attempt: 1 });
  });

  test("it is done where more attempts are allowed, or a list is named, later", async () => {
    await create(tasks);
    await failTimes(2, { maxAttempts: 1 });
    expect((await recoverOnce(tasks, nothing, { maxAttempts: 2 })).counts).toEqual(counted({ completed: 1 }));
    await create(tasks);
    await failTimes(2, { maxAttempts: 1 });
    expect(await failTimes(1, { maxAttempts: 1, deadLetterList: "dead" })).toEqual(["dead-lettered"]);
  });

  test("a task that is saved again is tried once at least, though its attempts go on growing", async () => {
    const task = await create(tasks);
    await failTimes(2, { maxAttempts: 1 });
    await tasks.save(task);
    const { events } = await recoverOnce(tasks, fail, { maxAttempts: 1 });
    expect(events).toMatchObject([{ type: "claimed", attempt: 2 }, { type: "exhausted" }]);
    await tasks.save(task);
    expect((await recoverOnce(tasks, nothing, { maxAttempts: 1 })).counts).toEqual(counted({ completed: 1 }));
  });
});

describe("onExhausted", () => {
  test("is called once, before the task is given up, with the reason", async () => {
    await create(tasks);
    const onExhausted = vi.fn(async () => expect(await deadLetters()).toEqual([]));
    await failTimes(3, { maxAttempts: 2, deadLetterList: "dead", onExhausted });
    expect(onExhausted).toHaveBeenCalledTimes(1);
    const error = expect.objectContaining({ code: "UNAVAILABLE" });
    expect(onExhausted).toHaveBeenCalledWith(expect.objectContaining({ id: "file1" }), { attempts: 2, error });
  });

  test("keeps the task, where it throws or does not end", async () => {
    await create(tasks);
    const onExhausted = fail;
    expect(await failTimes(1, { maxAttempts: 1, deadLetterList: "dead", onExhausted })).toEqual(["failed"]);
    const hanging = recoverOnce(tasks, fail, {
      maxAttempts: 1,
      deadLetterList: "dead",
      timeout: 1_000,
      onExhausted: () => new Promise(() => {}),
    });
    await pass(1_000);
    expect((await hanging).counts).toEqual(counted({ failed: 1 }));
    expect([await openIds(tasks), await deadLetters()]).toEqual([["file1"], []]);
  });
});
