import {
  DataInterface,
  type ExecuteContext,
  type OpaqueTask,
  perform,
  type RecoverCounts,
  recover,
  TaskError,
} from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { failureOf } from "../runtime/failure.js";
import { standBefore } from "../runtime/stores.js";
import {
  counted,
  create,
  FetchFileTask,
  find,
  LIST,
  nothing,
  openIds,
  openTasks,
  pass,
  recoverOnce,
  replaceClaims,
  stopTime,
  type Tasks,
} from "./setup.js";

let tasks: Tasks;
beforeEach(() => {
  stopTime();
  tasks = openTasks();
});
afterEach(() => vi.useRealTimers());

const fail = () => Promise.reject(new Error("no such file"));

describe("perform", () => {
  test("claims a task, does it and completes it, and gives the handler's result", async () => {
    const task = await create(tasks);
    const result = await perform(tasks, task, async ({ filename }, { claim, attempt, signal }) => {
      expect(await tasks.claim(await find(tasks, task.id))).toBeUndefined();
      return [filename, attempt, typeof claim.token, signal.aborted];
    });
    expect(result).toMatchObject({ type: "completed", attempt: 1, result: [task.filename, 1, "bigint", false] });
    expect(await openIds(tasks)).toEqual([]);
  });

  test("executes the task if it has no handler", async () => {
    class FetchFile extends FetchFileTask {
      override async execute({ attempt }: ExecuteContext): Promise<string> {
        return `attempt ${attempt} at ${this.id}`;
      }
    }
    await using own = new DataInterface({ types: [FetchFile], adapter: new MemoryAdapter() });
    const task = await own.create(FetchFile, { taskList: LIST, id: "a" });
    expect(await perform(own, task)).toMatchObject({ type: "completed", result: "attempt 1 at a" });
  });

  test("takes a task as it came from a queue, in bytes", async () => {
    const bytes = (await create(tasks)).toBinary();
    expect(await perform(tasks, tasks.fromBinary(bytes), nothing)).toMatchObject({ type: "completed" });
    expect(await openIds(tasks)).toEqual([]);
  });

  test("leaves a task that fails open, to be tried again later, and gives its error", async () => {
    const task = await create(tasks);
    const result = await perform(tasks, task, fail, { backoff: { initial: 1_000 } });
    expect(result).toMatchObject({ type: "failed", attempt: 1, error: { message: "no such file" } });
    expect(await openIds(tasks)).toEqual([task.id]);
    expect(await perform(tasks, task, nothing)).toMatchObject({ type: "passed-over", reason: "waiting" });
    await pass(1_000);
    expect(await perform(tasks, task, nothing)).toMatchObject({ type: "completed", attempt: 2 });
  });

  test("says why it passes a task over", async () => {
    const task = await create(tasks);
    await tasks.claim(task, { owner: "another" });
    expect(await perform(tasks, task, nothing)).toMatchObject({ type: "passed-over", reason: "claimed" });
    await tasks.complete(task);
    expect(await perform(tasks, task, nothing)).toMatchObject({ type: "passed-over", reason: "gone" });
    const mails = new DataInterface({ types: [SendMailTask], adapter: tasks.adapter });
    await mails.create(SendMailTask, { mailbox: LIST, messageId: "m1" });
    const opaque = (await tasks.find(LIST, "m1")) as OpaqueTask;
    expect(await perform(tasks, opaque, nothing)).toMatchObject({ type: "passed-over", reason: "opaque" });
    expect(await tasks.claimState(opaque)).toBeUndefined();
    expect(await perform(tasks, opaque, nothing, { opaque: true })).toMatchObject({ type: "completed" });
  });

  test.each([
    ["waiting", "has just released it", { owner: undefined, until: 0 }],
    ["claimed", "has it for a moment longer, by that worker's clock", { owner: "another", until: 1_699_999_999_000 }],
    ["claimed", "has marked it at the same moment", { savedAt: 0n, owner: "taskledger.redelivery", until: 0 }],
    ["claimed", "has just given back its claim to an older version", { savedAt: 1n, owner: undefined, until: 0 }],
  ])("says %s, and not gone, of an open task if another %s", async (reason, _, ended) => {
    const task = await create(tasks);
    replaceClaims(tasks, () => ({
      claim: async () => undefined,
      states: async () => [{ savedAt: task.envelope.savedAt ?? 0n, token: 1n, attempt: 1, ...ended }],
    }));
    expect(await perform(tasks, task, nothing)).toMatchObject({ type: "passed-over", reason });
    await tasks.complete(task);
    expect(await perform(tasks, task, nothing)).toMatchObject({ type: "passed-over", reason: "gone" });
  });

  test("says that a version is gone that was saved again, though somebody has claimed the later one", async () => {
    const before = (await create(tasks)).toBinary();
    const later = await create(tasks);
    await tasks.claim(later, { owner: "another" });
    const result = await perform(tasks, tasks.fromBinary(before), nothing);
    expect(result).toMatchObject({ type: "passed-over", reason: "gone" });
  });

  test("begins nothing whose signal was aborted before: it counts as no attempt", async () => {
    const task = await create(tasks);
    const signal = AbortSignal.abort(new Error("shutting down"));
    const result = await perform(tasks, task, nothing, { signal, maxAttempts: 1, deadLetterList: "dead" });
    expect(result).toMatchObject({ type: "interrupted", attempt: 0, error: { code: "ABORTED" } });
    expect(await tasks.claimState(task)).toBeUndefined();
  });

  test("says that it does not know whether it has the claim, if that is so", async () => {
    const task = await create(tasks);
    const unknown = new TaskError("TIMEOUT", "no answer", { outcome: "unknown" });
    replaceClaims(tasks, () => ({ claim: () => Promise.reject(unknown) }));
    expect(await perform(tasks, task, nothing)).toMatchObject({ type: "passed-over", reason: "unknown" });
  });

  test("of several that are given one task at once, lets one do it", async () => {
    const task = await create(tasks);
    const done: number[] = [];
    const results = await Promise.all(
      Array.from({ length: 5 }, async (_, i) =>
        perform(tasks, (await find(tasks, task.id)) as FetchFileTask, () => void done.push(i)),
      ),
    );
    expect(done).toHaveLength(1);
    expect(results.filter(({ type }) => type === "completed")).toHaveLength(1);
  });

  test("gives a task up after maxAttempts, to the dead-letter list", async () => {
    const task = await create(tasks);
    const options = { maxAttempts: 2, deadLetterList: "dead", backoff: { initial: 0 } };
    expect(await perform(tasks, task, fail, options)).toMatchObject({ type: "failed" });
    expect(await perform(tasks, task, fail, options)).toMatchObject({ type: "dead-lettered", attempt: 2 });
    expect(await openIds(tasks)).toEqual([]);
  });

  test("tells its caller what the store throws", async () => {
    const task = await create(tasks);
    const away = new TaskError("UNAVAILABLE", "no host answers");
    replaceClaims(tasks, () => ({ claim: () => Promise.reject(away) }));
    expect(await failureOf(() => perform(tasks, task, nothing))).toBe(away);
    replaceClaims(tasks, () => ({ claim: () => Promise.reject(new RangeError("broken")) }));
    expect(await perform(tasks, task, nothing)).toMatchObject({ type: "passed-over", reason: "unknown" });
    replaceClaims(tasks, () => ({ states: () => Promise.reject(new RangeError("broken")) }));
    expect(await failureOf(() => perform(tasks, task, nothing, { maxAttempts: 2 }))).toMatchObject({
      code: "UNAVAILABLE",
    });
    const without = standBefore(new MemoryAdapter(), {});
    const own = new DataInterface({ types: [FetchFileTask], adapter: without });
    const saved = await own.create(FetchFileTask, { taskList: LIST });
    expect(await failureOf(() => perform(own, saved, nothing))).toMatchObject({ code: "UNSUPPORTED" });
  });

  test("refuses what is no option, no handler and no task", async () => {
    const task = await create(tasks);
    const wrong = [
      () => perform(tasks, task, nothing, { retries: 3 } as never),
      () => perform(tasks, task, "work" as never),
      () => perform({} as never, task, nothing),
    ];
    for (const call of wrong) expect(await failureOf(call)).toMatchObject({ code: "INVALID_ARGUMENT" });
    for (const other of [undefined, {}, { taskList: LIST, id: "a" }, task.toBinary()] as never[])
      for (const maxAttempts of [undefined, 3])
        expect(await failureOf(() => perform(tasks, other, nothing, { maxAttempts }))).toMatchObject({
          code: "TYPE_MISMATCH",
          field: "task",
        });
    expect(await failureOf(() => perform(tasks, FetchFileTask.build({ taskList: LIST }), nothing))).toMatchObject({
      code: "NOT_SAVED",
    });
  });
});

describe("the services of a data interface", () => {
  test("are given to handlers and to execute", async () => {
    const mailer = { send: () => "sent" };
    class Mail extends FetchFileTask {
      override async execute(context: ExecuteContext): Promise<unknown> {
        return (context.services as unknown as { mailer: typeof mailer }).mailer.send();
      }
    }
    const services = { mailer } as never;
    await using own = new DataInterface({ types: [Mail], adapter: new MemoryAdapter(), services });
    const task = await own.create(Mail, { taskList: LIST });
    expect(await perform(own, task)).toMatchObject({ result: "sent" });
    const other = await own.create(Mail, { taskList: LIST });
    expect(await perform(own, other, (_, context) => context.services)).toMatchObject({ result: services });
  });

  test("are an object: anything else is refused", () => {
    for (const services of [null, 3, "a mailer"])
      expect(() => new DataInterface({ types: [], adapter: tasks.adapter, services: services as never })).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT", field: "services" }),
      );
  });
});

describe("recover", () => {
  test("with an owner's name goes on with that owner's own tasks at once", async () => {
    const task = await create(tasks);
    await tasks.claim(task, { owner: "worker 7", lease: 60_000 });
    expect((await recoverOnce(tasks, nothing)).counts).toEqual(counted({}));
    const { counts } = await recoverOnce(tasks, nothing, { owner: "worker 7" });
    expect(counts).toEqual(counted({ completed: 1 }));
  });

  test("goes through several lists, and tells the end of each", async () => {
    for (const taskList of ["a", "b", "a"]) await tasks.create(FetchFileTask, { taskList });
    const passes: unknown[] = [];
    const counts = await recover(tasks, ["a", "b"], nothing, {
      olderThan: 0,
      onEvent: (event) => void (event.type === "pass" && passes.push([event.taskList, event.counts.completed])),
    });
    expect(counts).toEqual(counted({ completed: 3 }));
    expect(passes).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    expect(await failureOf(() => recover(tasks, [], nothing))).toMatchObject({ field: "taskLists" });
  });

  test("gives up a task that the validation of its interface refuses", async () => {
    await create(tasks);
    const strict = new DataInterface({
      types: [FetchFileTask],
      adapter: tasks.adapter,
      validate: () => [{ field: "filename", rule: "never" }],
    });
    const options = { olderThan: 0, maxAttempts: 2, deadLetterList: "dead" };
    const passes: RecoverCounts[] = [];
    for (let i = 0; i < 10; i++) {
      passes.push(await recover(strict, LIST, (task) => strict.save(task), options));
      await pass(60_000);
    }
    const nothingLeft = Array(8).fill(counted({}));
    expect(passes).toEqual([counted({ failed: 1 }), counted({ deadLettered: 1 }), ...nothingLeft]);
    expect(await openIds(tasks, "dead")).toHaveLength(1);
    expect(await openIds(tasks)).toEqual([]);
  });
});
