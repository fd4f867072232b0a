import assert from "node:assert/strict";
import { expectTasks } from "../checks.js";
import { aMoment, type CaseGroup, within } from "../scenario.js";

export const laziness: CaseGroup = {
  group: "laziness of all",
  cases: {
    async "a pass begins at the first pull: what was saved before it is there"({ client, entry, list }) {
      const [a] = await client.save(entry("a"));
      const pass = client.pass(list);
      await aMoment();
      const [b] = await client.save(entry("b"));
      expectTasks(await pass.rest(), [a, b]);
    },

    async "a pass begins at the first pull: what was completed before it is not there"({ client, entry, list }) {
      const [a, b] = await client.save(entry("a"), entry("b"));
      const pass = client.pass(list);
      await aMoment();
      await client.complete(a);
      expectTasks(await pass.rest(), [b]);
    },

    async "a pass reads at most a page ahead: what is completed beyond that does not come"({ client, entries, list }) {
      const saved = await client.save(...entries(40));
      const pass = client.pass(list, { pageSize: 4 });
      const first = (await pass.next()) ?? [];
      await aMoment();
      await client.complete(...saved.slice(first.length + 4));
      const seen = [...first, ...(await pass.rest())];
      const late = seen.slice(first.length + 4);
      assert.deepEqual(
        late.map(({ id }) => id),
        [],
        "tasks came that had been completed before they were reached",
      );
    },

    async "a pass reads at most a page ahead: what is replaced beyond that does not come in its old version"({
      client,
      entries,
      entry,
      list,
    }) {
      const saved = await client.save(...entries(40));
      const pass = client.pass(list, { pageSize: 4 });
      const first = (await pass.next()) ?? [];
      await aMoment();
      const replaced = saved.slice(first.length + 4);
      await client.save(...replaced.map(({ id, savedAt }) => entry(id, { replaces: [savedAt] })));
      const old = new Set(replaced.map(({ savedAt }) => savedAt));
      for (const { id, savedAt } of await pass.rest())
        assert.ok(!old.has(savedAt), `${id} came in a version that had been replaced before it was reached`);
    },

    async "a pass that is left has ended, and the next one begins anew"({ client, entries, list }) {
      const saved = await client.save(...entries(10));
      const pass = client.pass(list, { pageSize: 3 });
      await pass.next();
      await pass.leave();
      assert.equal(await pass.next(), undefined, "a pass went on after return()");
      await client.expectListed(list, saved);
    },

    async "a pass that is left before it began reads nothing"({ client, entries, list }) {
      await client.save(...entries(3));
      const pass = client.pass(list);
      await pass.leave();
      assert.equal(await pass.next(), undefined, "a pass went on after return()");
    },

    async "passes that stand still hold up neither saves nor completes nor close"({ client, entries, list, options }) {
      const saved = await client.save(...entries(10));
      for (let i = 0; i < 50; i++) await client.pass(list, { pageSize: 2 }).next();
      const again = await client.save(...entries(10));
      await client.complete(...saved, ...again);
      await client.expectListed(list, []);
      await within(client.adapter.close(), options.timeout / 2, "close, beside passes that stand still,");
    },
  },
};

/** What can only be seen from within: see the option `reads`. */
export const reads: CaseGroup = {
  group: "reads of all",
  needs: "reads",
  cases: {
    async "nothing is read before the first pull"({ client, entries, list, options: { reads = () => 0 } }) {
      await client.save(...entries(10));
      const before = reads();
      const pass = client.pass(list);
      await aMoment();
      assert.equal(reads(), before, "something was read before the first pull");
      await pass.rest();
      assert.ok(reads() > before, "the counter of reads counts nothing");
    },

    async "nothing is read while a pass stands still, or after it was left"({ client, entries, list, options }) {
      const { reads = () => 0 } = options;
      await client.save(...entries(100));
      const pass = client.pass(list, { pageSize: 5 });
      await pass.next();
      await aMoment();
      const standing = reads();
      await aMoment();
      assert.equal(reads(), standing, "something was read while nothing was pulled");
      await pass.leave();
      await aMoment();
      assert.equal(reads(), standing, "something was read after return()");
    },
  },
};
