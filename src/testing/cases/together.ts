import assert from "node:assert/strict";
import type { Adapter, SaveEntry } from "../../adapter/adapter.js";
import { expectRejection, type KnownTask } from "../checks.js";
import { failingEntry, newTaskList, taskEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

async function saveTogether(adapter: Adapter, entries: readonly SaveEntry[]): Promise<KnownTask[]> {
  const versions = (await adapter.saveTogether?.(entries)) ?? assert.fail("the adapter has no saveTogether");
  assert.equal(versions.length, entries.length, "saveTogether returns one version per entry");
  return entries.map(({ taskList, id, body }, i) => ({ taskList, id, savedAt: versions[i] as bigint, body }));
}

export const together: CaseGroup = {
  group: "saveTogether",
  needs: "together",
  cases: {
    async "all entries are saved together, whatever their lists, in their order"({ client, entry, list }) {
      const other = newTaskList();
      const entries = [entry("a"), taskEntry(other, "a"), entry("b"), taskEntry(other, "b")];
      const saved = await saveTogether(client.adapter, entries);
      await client.expectOpen(
        list,
        saved.filter(({ taskList }) => taskList === list),
      );
      await client.expectOpen(
        other,
        saved.filter(({ taskList }) => taskList === other),
      );
    },

    async "none is saved if one fails, and what was stored stays"({ client, entry, list }) {
      const before = await client.save(entry("a"), entry("b"));
      for (const place of [0, 1, 2]) {
        const entries = [entry("a"), entry("c")];
        entries.splice(place, 0, failingEntry(list, "failing"));
        const error = await expectRejection(() => saveTogether(client.adapter, entries), "CLOCK_SKEW");
        assert.equal(error.outcome, "not-applied");
        await client.expectOpen(list, before);
      }
    },

    async "each entry has its own version, later than what it replaces"({ client, entry, list }) {
      const [a] = await client.save(entry("a"));
      const entries = [entry("a", { replaces: [a.savedAt] }), entry("b"), entry("b")];
      const saved = await saveTogether(client.adapter, entries);
      for (const [i, { savedAt }] of saved.entries())
        assert.ok(savedAt > (i === 0 ? a : (saved[i - 1] as KnownTask)).savedAt, "versions do not rise");
      await client.expectOpen(list, [saved[0], saved[2]] as KnownTask[]);
    },

    async "a saveTogether of no entries has no versions"({ client }) {
      assert.deepEqual(await saveTogether(client.adapter, []), []);
    },

    async "a saveTogether that was aborted before the call saves nothing"({ client, entry, list }) {
      const signal = AbortSignal.abort();
      await expectRejection(() => client.adapter.saveTogether?.([entry("a"), entry("b")], { signal }), "ABORTED");
      await client.expectListed(list, []);
    },
  },
};
