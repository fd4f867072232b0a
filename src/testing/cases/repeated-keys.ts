import assert from "node:assert/strict";
import { acknowledged, expectError, type KnownTask } from "../checks.js";
import { failingEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

export const repeatedKeys: CaseGroup = {
  group: "one key several times in a call",
  cases: {
    async "of several saves of one key in a call, the last wins"({ client, entry, list }) {
      const [, , last] = await client.save(entry("a"), entry("a"), entry("a"));
      await client.expectOpen(list, [last]);
    },

    async "of several saves of one key among others, the last wins"({ client, entry, list }) {
      const [a] = await client.save(entry("a"));
      const again = entry("a", { replaces: [a.savedAt] });
      const [, b, , last, c] = await client.save(entry("a"), entry("b"), again, entry("a"), entry("c"));
      await client.expectOpen(list, [b, last, c]);
    },

    async "a complete of an earlier save of the same call keeps the last"({ client, entry, list }) {
      const [first, second, last] = await client.save(entry("a"), entry("a"), entry("a"));
      assert.ok(first.savedAt < second.savedAt && second.savedAt < last.savedAt, "each save has a version of its own");
      await client.complete(first, second);
      await client.expectOpen(list, [last]);
      await client.complete(last);
      await client.expectListed(list, []);
    },

    async "a save that fails does not affect another of its key, whichever comes first"({ client, entry, list }) {
      const good = [entry("a"), entry("b")] as const;
      const entries = [good[0], failingEntry(list, "a"), failingEntry(list, "b"), good[1]];
      const outcomes = await client.adapter.save(entries);
      for (const outcome of outcomes.slice(1, 3)) expectError(outcome, "CLOCK_SKEW");
      const open = good.map(({ taskList, id, body }, i): KnownTask => {
        const savedAt = acknowledged(outcomes[i * 3]);
        return { taskList, id, savedAt, body };
      });
      await client.expectOpen(list, open);
    },

    async "a key that is given twice is found twice"({ client, entry }) {
      const [a, b] = await client.save(entry("a"), entry("b"));
      await client.expectFound(a, b, a, a);
    },

    async "of several versions of one key to complete, the latest counts, in any order"({ client, entry, list }) {
      const ids = ["a", "b"];
      const old = await client.saveAll(ids.map((id) => entry(id)));
      const current = await client.saveAll(ids.map((id) => entry(id)));
      const [oldA, oldB] = old as [KnownTask, KnownTask];
      const [a, b] = current as [KnownTask, KnownTask];
      await client.complete(oldA, a, b, oldB);
      await client.expectNotFound(a, b);
      await client.expectListed(list, []);
    },

    async "a complete and its repetition both succeed"({ client, entry, list }) {
      const [a, b] = await client.save(entry("a"), entry("b"));
      await client.complete(a, a);
      await client.expectOpen(list, [b]);
    },
  },
};
