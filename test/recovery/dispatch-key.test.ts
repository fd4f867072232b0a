import fc from "fast-check";
import { dispatchKey, perform, redeliver, type Task } from "taskledger";
import { expect, test } from "vitest";
import { key as keys } from "../runtime/arbitrary.js";
import { failureOf } from "../runtime/failure.js";
import { create, FetchFileTask, find, LIST, openTasks } from "./setup.js";

test("a dispatch key is of the list, the id and the version", async () => {
  const tasks = openTasks();
  const task = await create(tasks);
  expect(dispatchKey(task)).toBe(`acme.com/file1@${task.envelope.savedAt}`);
  expect(dispatchKey(tasks.fromBinary(task.toBinary()))).toBe(dispatchKey(task));
  expect(dispatchKey(await create(tasks))).not.toBe(dispatchKey(task));
});

test("a dispatch key is another once the task has been tried, and the same while it waits in a queue", async () => {
  const tasks = openTasks();
  const task = await create(tasks);
  const sent: string[] = [];
  const send = (batch: readonly Task[]) => void sent.push(...batch.map(dispatchKey));
  const options = { olderThan: 0, interval: 1 };
  await redeliver(tasks, LIST, send, options);
  const fail = () => Promise.reject(new Error("not yet"));
  await perform(tasks, (await find(tasks)) as FetchFileTask, fail, { backoff: { initial: 0 } });
  await redeliver(tasks, LIST, send, options);
  expect(sent).toEqual([dispatchKey(task), `${dispatchKey(task)}.1`]);
});

/** `saved_at`, at the end of an envelope: the same for all. */
const savedAt = [0x7a, 2, 8, 1];

test("a dispatch key fits every queue, and no two tasks have one", () => {
  const tasks = openTasks();
  const known = new Map<string, string>();
  fc.assert(
    fc.property(keys, keys, fc.boolean(), (taskList, id, isJoined) => {
      const [list, name] = isJoined ? [`${taskList}/${id}`.slice(0, 100), id] : [taskList, id];
      const bytes = FetchFileTask.build({ taskList: list, id: name }).toBinary();
      const key = dispatchKey(tasks.fromBinary(Uint8Array.of(...bytes, ...savedAt)));
      expect(key).toMatch(/^[!-9;-~]{1,128}$/);
      expect(key).not.toMatch(/^\d+$/);
      const owner = JSON.stringify([list, name]);
      expect(known.get(key) ?? owner).toBe(owner);
      known.set(key, owner);
    }),
  );
});

test("there is none of what was not saved, and of what is no task", async () => {
  expect(await failureOf(() => dispatchKey(FetchFileTask.build({ taskList: LIST })))).toMatchObject({
    code: "NOT_SAVED",
  });
  expect(await failureOf(() => dispatchKey({} as never))).toMatchObject({ code: "TYPE_MISMATCH" });
});
