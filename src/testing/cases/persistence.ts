import { expectTasks, inOrder, type KnownTask } from "../checks.js";
import type { CaseGroup } from "../scenario.js";

export const persistence: CaseGroup = {
  group: "a store of several adapters",
  needs: "persistent",
  cases: {
    async "acknowledged saves and completes survive close, in their order"({ client, another, entries, entry, list }) {
      const saved = await client.save(...entries(30));
      const [again] = await client.save(entry("task-0"));
      await client.complete(...saved.slice(20));
      await client.adapter.close();
      await (await another()).expectOpen(list, [...saved.slice(1, 20), again]);
    },

    async "saves in flight at close that are acknowledged are stored"({ client, another, entries, list }) {
      await client.adapter.open();
      const calls = Promise.all(entries(50).map((entry) => client.save(entry)));
      const [done] = await Promise.all([calls, client.adapter.close()]);
      await (await another()).expectOpen(list, inOrder(done.flat()));
    },

    async "one adapter finds, lists and completes what another saved"({ client, another, entries, list }) {
      const other = await another();
      const saved = await client.save(...entries(10));
      await other.expectOpen(list, saved);
      await other.complete(...saved.slice(5));
      await client.expectOpen(list, saved.slice(0, 5));
    },

    async "a complete through an adapter that knows an older version keeps the newer one"({
      client,
      another,
      entry,
      list,
    }) {
      const other = await another();
      const [first] = await client.save(entry("a"));
      const [second] = await other.save(entry("a", { replaces: [first.savedAt] }));
      await client.complete(first);
      await client.expectOpen(list, [second]);
      const [third] = await client.save(entry("a"));
      await other.complete(second);
      await other.expectOpen(list, [third]);
    },

    async "of concurrent saves of one key by two adapters, the latest version stays"({ client, another, entry, list }) {
      const clients = [client, await another()];
      const calls = Array.from({ length: 20 }, (_, i) => clients[i % 2]?.save(entry("a")) ?? []);
      const saved: KnownTask[] = (await Promise.all(calls)).flat();
      const latest = saved.reduce((a, b) => (a.savedAt > b.savedAt ? a : b));
      for (const each of clients) await each.expectOpen(list, [latest]);
    },

    async "a listing skips tasks that another adapter completes meanwhile"({ client, another, entries, list }) {
      const other = await another();
      const saved = await client.save(...entries(30));
      const listing = client.listing(list, { pageSize: 5 });
      const first = (await listing.next()) ?? [];
      await other.complete(...saved.slice(first.length + 5));
      const seen = [...first, ...(await listing.rest())];
      expectTasks(seen, saved.slice(0, seen.length));
      expectTasks(seen.slice(first.length + 5), []);
    },

    async "closing one adapter does not affect another"({ client, another, entries, list }) {
      const other = await another();
      await other.adapter.open();
      const saved = await client.save(...entries(5));
      await client.adapter.close();
      await other.expectOpen(list, saved);
      await other.complete(...saved);
      await other.expectListed(list, []);
    },

    async "several adapters can open a store at once"({ client, another, entry, list }) {
      const others = [await another(), await another(), await another()];
      await Promise.all(others.map(({ adapter }) => adapter.open()));
      const saved = await client.save(entry("a"));
      for (const other of others) await other.expectOpen(list, saved);
    },
  },
};

/** For stores in which writes can arrive late: see the option `redeliver`. */
export const lateSaves: CaseGroup = {
  group: "saves that arrive late",
  needs: "redeliver",
  cases: {
    async "a completed version stays completed when its save arrives once more"({
      client,
      entry,
      list,
      options: { redeliver },
    }) {
      const late = entry("a");
      const [task] = await client.save(late);
      await client.complete(task);
      await redeliver?.(late, task.savedAt);
      await client.expectNotFound(task);
      await client.expectListed(list, []);
    },

    async "a replaced version stays replaced when its save arrives once more"({
      client,
      entry,
      list,
      options: { redeliver },
    }) {
      const late = entry("a");
      const [first] = await client.save(late);
      const second = await client.save(entry("a", { replaces: [first.savedAt] }));
      await redeliver?.(late, first.savedAt);
      await client.expectOpen(list, second);
      await client.complete(...second);
      await redeliver?.(late, first.savedAt);
      await client.expectNotFound(first);
      await client.expectListed(list, []);
    },
  },
};
