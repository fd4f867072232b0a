import { OpaqueTask, perform, revive } from "taskledger";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { DataInterface } from "../../src/index.js";
import { create, FetchFileTask, find, LIST, nothing, openIds, openTasks, stopTime, type Tasks } from "./setup.js";

let tasks: Tasks;
beforeEach(() => {
  stopTime();
  tasks = openTasks();
});
afterEach(() => vi.useRealTimers());

const options = { maxAttempts: 1, deadLetterList: "dead", opaque: true };
const fail = () => Promise.reject(new Error("no such file"));

async function bury(id: string): Promise<void> {
  expect(await perform(tasks, await create(tasks, id), fail, options)).toMatchObject({ type: "dead-lettered" });
}

describe("revive", () => {
  test("takes dead letters back under their lists and ids, at new versions, as they were, to be tried from 1 on", async () => {
    const before = await create(tasks, "a");
    await perform(tasks, before, fail, options);
    await bury("b");
    expect(await revive(tasks, "dead")).toMatchObject([
      { type: "revived", origin: { taskList: LIST, id: "a" } },
      { type: "revived", origin: { taskList: LIST, id: "b" } },
    ]);
    expect(await openIds(tasks, "dead")).toEqual([]);
    const revived = await find(tasks, "a");
    expect(revived).toMatchObject({ filename: "a.txt", envelope: { attempt: 0, headers: {} } });
    expect(revived.envelope.createdAt).toEqual(before.envelope.createdAt);
    expect(revived.envelope.savedAt).toBeGreaterThan(before.envelope.savedAt as bigint);
    expect(await perform(tasks, revived as FetchFileTask, nothing, options)).toMatchObject({
      type: "completed",
      attempt: 1,
    });
  });

  test("takes those that are named, and no others", async () => {
    for (const id of ["a", "b", "c"]) await bury(id);
    const [, second] = await openIds(tasks, "dead");
    expect(await revive(tasks, "dead", { ids: [second as string, "no such id"] })).toHaveLength(1);
    expect(await openIds(tasks)).toEqual(["b"]);
    expect(await openIds(tasks, "dead")).toHaveLength(2);
  });

  test("tells what it would do, and does nothing, on a dry run", async () => {
    await bury("a");
    expect(await revive(tasks, "dead", { dryRun: true })).toMatchObject([{ type: "revived" }]);
    expect(await openIds(tasks)).toEqual([]);
    expect(await openIds(tasks, "dead")).toHaveLength(1);
  });

  test("leaves alone what is open again where it came from, and what is no dead letter", async () => {
    await bury("a");
    await tasks.create(FetchFileTask, { taskList: LIST, id: "a", filename: "newer" });
    await tasks.create(FetchFileTask, { taskList: "dead", id: "stray" });
    expect(await revive(tasks, "dead")).toMatchObject([{ type: "open" }, { id: "stray", type: "not-a-dead-letter" }]);
    expect(await find(tasks, "a")).toMatchObject({ filename: "newer" });
    expect(await openIds(tasks, "dead")).toHaveLength(2);
  });

  test("goes on where an earlier call ended between its two steps", async () => {
    await bury("a");
    const { complete } = tasks.adapter;
    tasks.adapter.complete = () => Promise.reject(new Error("the process is killed"));
    await revive(tasks, "dead").catch(() => undefined);
    expect([await openIds(tasks), await openIds(tasks, "dead")]).toMatchObject([["a"], [expect.anything()]]);
    tasks.adapter.complete = complete;
    expect(await revive(tasks, "dead")).toMatchObject([{ type: "revived" }]);
    expect([await openIds(tasks), await openIds(tasks, "dead")]).toEqual([["a"], []]);
  });

  test("takes back, byte for byte, what nobody here can read", async () => {
    const mails = new DataInterface({ types: [SendMailTask], adapter: tasks.adapter });
    const mail = await mails.create(SendMailTask, { mailbox: LIST, messageId: "m1", subject: "s" });
    const opaque = (await tasks.find(LIST, "m1")) as OpaqueTask;
    expect(opaque).toBeInstanceOf(OpaqueTask);
    await perform(tasks, opaque, fail, options);
    expect(await revive(tasks, "dead")).toMatchObject([{ type: "revived" }]);
    expect((await mails.find(LIST, "m1"))?.data).toEqual(mail.data);
  });
});
