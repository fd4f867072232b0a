import assert from "node:assert/strict";
import { acknowledged, expectError, outcomesOf } from "../checks.js";
import { failingEntry, newTaskList, taskEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

export const saving: CaseGroup = {
  group: "save",
  cases: {
    async "a saved task is open, with the version that was acknowledged and its bytes"({ client, entry, list }) {
      const saved = await client.save(entry("a"));
      await client.expectOpen(list, saved);
    },

    async "every entry of a call is saved"({ client, entry, list }) {
      await client.expectOpen(list, await client.save(entry("a"), entry("b"), entry("c")));
    },

    async "outcomes are in the order of the entries, whatever their lists"({ client, entry }) {
      const lists = [newTaskList(), newTaskList(), newTaskList()];
      const entries = Array.from({ length: 30 }, (_, i) => taskEntry(lists[i % 3] as string, `${(i * 7) % 30}`));
      await client.expectFound(...(await client.save(...entries, entry("last"))));
    },

    async "a thousand entries in one call are all saved"({ client, entries, list }) {
      await client.expectOpen(list, await client.save(...entries(1000)));
    },

    async "a save of no entries has no outcomes"({ client }) {
      assert.deepEqual(await client.save(), []);
    },

    async "a save that names the current version replaces it"({ client, entry, list }) {
      const [first] = await client.save(entry("a"));
      const second = await client.save(entry("a", { replaces: [first.savedAt] }));
      await client.expectOpen(list, second);
    },

    async "a blind save replaces the current version"({ client, entry, list }) {
      await client.save(entry("a"));
      await client.expectOpen(list, await client.save(entry("a")));
    },

    async "a save that names an older version replaces the current one"({ client, entry, list }) {
      const [first] = await client.save(entry("a"));
      await client.save(entry("a"));
      await client.expectOpen(list, await client.save(entry("a", { replaces: [first.savedAt] })));
    },

    async "a task that is saved many times is listed once"({ client, entry, list }) {
      let saved = await client.save(entry("a"));
      for (let i = 0; i < 20; i++) saved = await client.save(entry("a", { replaces: [saved[0].savedAt] }));
      await client.expectOpen(list, saved);
    },

    async "a save after the complete opens the task again"({ client, entry, list }) {
      const first = await client.save(entry("a"));
      await client.complete(...first);
      await client.expectOpen(list, await client.save(entry("a", { replaces: [first[0].savedAt] })));
    },

    async "a blind save after the complete opens the task again"({ client, entry, list }) {
      await client.complete(...(await client.save(entry("a"))));
      await client.expectOpen(list, await client.save(entry("a")));
    },

    async "a save touches no other id and no other list"({ client, entry, list }) {
      const other = newTaskList();
      const [a, b, elsewhere] = await client.save(entry("a"), entry("b"), taskEntry(other, "a"));
      const [again] = await client.save(entry("a", { replaces: [a.savedAt] }));
      await client.expectOpen(list, [b, again]);
      await client.expectOpen(other, [elsewhere]);
    },

    async "an entry that fails does not prevent the others from being saved"({ client, entry, list }) {
      const failing = failingEntry(list, "bad");
      for (const place of [0, 2, 4]) {
        const entries = Array.from({ length: 5 }, (_, i) => (i === place ? failing : entry(`${place}-${i}`)));
        const outcomes = await client.adapter.save(entries);
        assert.equal(outcomes.length, 5, "save returns one outcome per entry");
        const error = expectError(outcomes[place], "CLOCK_SKEW");
        assert.equal(error.outcome, "not-applied");
        for (const [i, { taskList, id, body }] of entries.entries()) {
          if (i === place) continue;
          const savedAt = acknowledged(outcomes[i]);
          await client.expectFound({ taskList, id, savedAt, body });
        }
      }
      await client.expectNotFound(failing);
      assert.equal((await client.list(list)).length, 12);
    },

    async "an entry that fails does not change what was stored"({ client, entry, list }) {
      const saved = await client.save(entry("a"));
      const failing = [failingEntry(list, "a"), failingEntry(list, "b")];
      for (const outcome of await outcomesOf(failing, () => client.adapter.save(failing)))
        expectError(outcome, "CLOCK_SKEW");
      await client.expectOpen(list, saved);
    },
  },
};
