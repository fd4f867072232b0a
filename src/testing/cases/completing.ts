import assert from "node:assert/strict";
import { newTaskList, taskEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

export const completing: CaseGroup = {
  group: "complete",
  cases: {
    async "a completed task is neither found nor listed"({ client, entry, list }) {
      const saved = await client.save(entry("a"));
      await client.complete(...saved);
      await client.expectNotFound(...saved);
      await client.expectListed(list, []);
    },

    async "a complete of an older version leaves a newer one"({ client, entry, list }) {
      const first = await client.save(entry("a"));
      const second = await client.save(entry("a", { replaces: [first[0].savedAt] }));
      await client.complete(...first);
      await client.expectOpen(list, second);
    },

    async "a complete of an older version leaves one that was saved blindly"({ client, entry, list }) {
      const first = await client.save(entry("a"));
      const second = await client.save(entry("a"));
      await client.complete(...first);
      await client.expectOpen(list, second);
    },

    async "a complete of any version but the latest does not remove the task"({ client, entry, list }) {
      const all = [...(await client.save(entry("a")))];
      for (let i = 0; i < 5; i++) all.push(...(await client.save(entry("a"))));
      const last = all.at(-1);
      assert.ok(last);
      for (const version of all.slice(0, -1).reverse()) await client.complete(version);
      await client.complete({ ...last, savedAt: last.savedAt - 1n });
      await client.expectOpen(list, [last]);
      await client.complete(last);
      await client.expectListed(list, []);
    },

    async "a complete of a later version removes an older one"({ client, entry, list }) {
      const [task] = await client.save(entry("a"));
      await client.complete({ ...task, savedAt: task.savedAt + 1n });
      await client.expectNotFound(task);
      await client.expectListed(list, []);
    },

    async "a complete of a task that is not open succeeds"({ client, entry, list }) {
      const [task] = await client.save(entry("a"));
      await client.complete({ ...task, id: "never saved" }, { ...task, taskList: newTaskList() });
      await client.expectOpen(list, [task]);
      await client.complete(task);
      await client.complete(task);
      await client.expectListed(list, []);
    },

    async "each entry of a complete is handled separately"({ client, entry, list }) {
      const [old, done, other] = await client.save(entry("old"), entry("done"), entry("other"));
      const [current] = await client.save(entry("old"));
      await client.complete(done);
      const elsewhere = { ...other, taskList: newTaskList() };
      await client.complete(old, done, { ...other, id: "never saved" }, elsewhere, other);
      await client.expectOpen(list, [current]);
    },

    async "a complete touches no other id and no other list"({ client, entry, list }) {
      const other = newTaskList();
      const [a, b, elsewhere] = await client.save(entry("a"), entry("b"), taskEntry(other, "a"));
      await client.complete(a);
      await client.expectOpen(list, [b]);
      await client.expectOpen(other, [elsewhere]);
    },

    async "completing what was listed empties the list"({ client, entries, list }) {
      await client.save(...entries(20));
      await client.complete(...(await client.list(list)));
      await client.expectListed(list, []);
    },

    async "a list that was emptied can be filled again"({ client, entries, list }) {
      for (let round = 0; round < 5; round++) {
        const saved = await client.save(...entries(5));
        await client.expectOpen(list, saved);
        await client.complete(...saved);
        await client.expectListed(list, []);
      }
    },

    async "a thousand tasks completed in one call are all removed"({ client, entries, list, entry }) {
      const kept = await client.save(entry("kept"));
      const saved = await client.save(...entries(1000));
      await client.complete(...saved);
      await client.expectNotFound(...saved);
      await client.expectOpen(list, kept);
    },

    async "a complete of no entries has no outcomes"({ client }) {
      assert.deepEqual(await client.adapter.complete([]), []);
    },
  },
};
