import assert from "node:assert/strict";
import { expectStored, type KnownTask } from "../checks.js";
import { newTaskList } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

export const finding: CaseGroup = {
  group: "find",
  cases: {
    async "a task that was never saved is not found"({ client, entry, list }) {
      const [task] = await client.save(entry("a"));
      await client.expectNotFound({ taskList: list, id: "b" }, { taskList: newTaskList(), id: task.id });
    },

    async "results are in the order of the keys, with undefined for tasks that are not open"({
      client,
      entries,
      list,
    }) {
      const saved = await client.save(...entries(20));
      await client.complete(...saved.filter((_, i) => i % 3 === 0));
      const keys = [...saved.keys()].map((i) => (i * 7) % saved.length);
      const found = await client.find(...keys.map((i) => ({ taskList: list, id: `task-${i}` })));
      for (const [place, i] of keys.entries()) {
        if (i % 3 === 0) assert.equal(found[place], undefined, "a task was found that is not open");
        else expectStored(found[place], saved[i] as KnownTask);
      }
    },

    async "a find of no keys has no results"({ client }) {
      assert.deepEqual(await client.find(), []);
    },

    async "the caller may change bytes that were found or listed"({ client, entry, list }) {
      const saved = await client.save(entry("a"));
      for (const stored of await client.find(...saved, ...saved)) stored?.body.fill(0);
      await client.expectFound(...saved);
      for (const { body } of await client.list(list)) body.fill(0);
      await client.expectOpen(list, saved);
    },

    async "concurrent finds of a task return separate bytes"({ client, entry }) {
      const saved = await client.save(entry("a"));
      const found = await Promise.all(Array.from({ length: 5 }, () => client.find(...saved)));
      for (const [stored] of found) {
        expectStored(stored, saved[0] as KnownTask);
        stored?.body.fill(0);
      }
    },

    async "bytes that were found or listed do not change, whatever is read and saved later"({ client, entries, list }) {
      const saved = await client.save(...entries(20));
      const found = await client.find(...saved);
      const listed = await client.list(list, { pageSize: 3 });
      const later = await client.save(...entries(20));
      await client.expectOpen(list, later);
      await client.complete(...later);
      for (const [i, task] of saved.entries()) {
        expectStored(found[i], task);
        expectStored(listed[i], task);
      }
    },
  },
};
