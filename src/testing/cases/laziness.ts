import assert from "node:assert/strict";
import { expectTasks } from "../checks.js";
import { aMoment, type CaseGroup, within } from "../scenario.js";

export const laziness: CaseGroup = {
  group: "all: lazy reading",
  cases: {
    async "a listing begins at the first pull: tasks saved before it are listed"({ client, entry, list }) {
      const [a] = await client.save(entry("a"));
      const listing = client.listing(list);
      await aMoment();
      const [b] = await client.save(entry("b"));
      expectTasks(await listing.rest(), [a, b]);
    },

    async "a listing begins at the first pull: tasks completed before it are not listed"({ client, entry, list }) {
      const [a, b] = await client.save(entry("a"), entry("b"));
      const listing = client.listing(list);
      await aMoment();
      await client.complete(a);
      expectTasks(await listing.rest(), [b]);
    },

    async "a listing reads at most a page ahead: tasks completed beyond that are not listed"({
      client,
      entries,
      list,
    }) {
      const saved = await client.save(...entries(40));
      const listing = client.listing(list, { pageSize: 4 });
      const first = (await listing.next()) ?? [];
      await aMoment();
      await client.complete(...saved.slice(first.length + 4));
      const seen = [...first, ...(await listing.rest())];
      const late = seen.slice(first.length + 4);
      assert.deepEqual(
        late.map(({ id }) => id),
        [],
        "tasks were listed that had been completed before they were reached",
      );
    },

    async "a listing reads at most a page ahead: tasks replaced beyond that are not listed in their old version"({
      client,
      entries,
      entry,
      list,
    }) {
      const saved = await client.save(...entries(40));
      const listing = client.listing(list, { pageSize: 4 });
      const first = (await listing.next()) ?? [];
      await aMoment();
      const replaced = saved.slice(first.length + 4);
      await client.save(...replaced.map(({ id, savedAt }) => entry(id, { replaces: [savedAt] })));
      const old = new Set(replaced.map(({ savedAt }) => savedAt));
      for (const { id, savedAt } of await listing.rest())
        assert.ok(!old.has(savedAt), `${id} was listed in a version that had been replaced before it was reached`);
    },

    async "a listing that is left early has ended, and the next one starts from the beginning"({
      client,
      entries,
      list,
    }) {
      const saved = await client.save(...entries(10));
      const listing = client.listing(list, { pageSize: 3 });
      await listing.next();
      await listing.leave();
      assert.equal(await listing.next(), undefined, "a listing went on after return()");
      await client.expectListed(list, saved);
    },

    async "a listing that is left before the first pull has ended"({ client, entries, list }) {
      await client.save(...entries(3));
      const listing = client.listing(list);
      await listing.leave();
      assert.equal(await listing.next(), undefined, "a listing went on after return()");
    },

    async "paused listings block neither saves nor completes nor close"({ client, entries, list, options }) {
      const saved = await client.save(...entries(10));
      for (let i = 0; i < 50; i++) await client.listing(list, { pageSize: 2 }).next();
      const again = await client.save(...entries(10));
      await client.complete(...saved, ...again);
      await client.expectListed(list, []);
      await within(client.adapter.close(), options.timeout / 2, "close, beside paused listings,");
    },
  },
};

/** What needs a count of the store's reads: see the option `reads`. */
export const reads: CaseGroup = {
  group: "all: number of reads",
  needs: "reads",
  cases: {
    async "nothing is read before the first pull"({ client, entries, list, options: { reads = () => 0 } }) {
      await client.save(...entries(10));
      const before = reads();
      const listing = client.listing(list);
      await aMoment();
      assert.equal(reads(), before, "something was read before the first pull");
      await listing.rest();
      assert.ok(reads() > before, "the counter of reads counts nothing");
    },

    async "nothing is read while a listing is paused, or after it was left"({ client, entries, list, options }) {
      const { reads = () => 0 } = options;
      await client.save(...entries(100));
      const listing = client.listing(list, { pageSize: 5 });
      await listing.next();
      await aMoment();
      const paused = reads();
      await aMoment();
      assert.equal(reads(), paused, "something was read while nothing was pulled");
      await listing.leave();
      await aMoment();
      assert.equal(reads(), paused, "something was read after return()");
    },
  },
};
