import assert from "node:assert/strict";
import { MAX_VERSION } from "../../core/version.js";
import { expectTasks, type KnownTask } from "../checks.js";
import { newTaskList, taskEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

export const listing: CaseGroup = {
  group: "all",
  cases: {
    async "a list that was never saved to has no pages"({ client, list }) {
      assert.equal(await client.listing(list).next(), undefined);
    },

    async "tasks are listed oldest first, whatever their ids"({ client, entry, list }) {
      const saved: KnownTask[] = [];
      for (let i = 0; i < 30; i++) saved.push(...(await client.save(entry(`${(i * 17) % 30}`))));
      await client.expectListed(list, saved);
    },

    async "tasks that one call saves are listed in its order"({ client, entries, list }) {
      await client.expectListed(list, await client.save(...entries(100)));
    },

    async "a task that is saved again moves to the end"({ client, entry, list }) {
      const [a, b, c] = await client.save(entry("a"), entry("b"), entry("c"));
      const [again] = await client.save(entry("b", { replaces: [b.savedAt] }));
      await client.expectListed(list, [a, c, again]);
      const [blind] = await client.save(entry("a"));
      await client.expectListed(list, [c, again, blind]);
    },

    async "lists that are saved to alternately keep their own tasks"({ client, list }) {
      const other = newTaskList();
      const saved: KnownTask[] = [];
      for (let i = 0; i < 20; i++) saved.push(...(await client.save(taskEntry(i % 3 ? list : other, `${i % 11}`))));
      for (const name of [list, other]) {
        const own = saved.filter(({ taskList }) => taskList === name);
        const isLast = ({ id }: KnownTask, i: number) => own.findLastIndex((task) => task.id === id) === i;
        await client.expectListed(name, own.filter(isLast));
      }
    },

    async "completed tasks leave no gap"({ client, entries, list }) {
      const saved = await client.saveAll(entries(300));
      await client.completeAll(saved.slice(0, 250));
      await client.completeAll(saved.filter((_, i) => i % 2));
      await client.expectListed(
        list,
        saved.slice(250).filter((_, i) => i % 2 === 0),
        { pageSize: 10 },
      );
    },

    async "a listing without bodies has the same ids and versions"({ client, entries, list }) {
      const saved = await client.save(...entries(20));
      const bare = saved.map((task) => ({ ...task, body: new Uint8Array() }));
      await client.expectListed(list, bare, { withoutBodies: true, pageSize: 7 });
      const { savedAt } = saved[5] as KnownTask;
      await client.expectListed(list, bare.slice(0, 5), { withoutBodies: true, savedBefore: savedAt });
    },

    async "with savedBefore, only earlier versions are listed"({ client, entries, list }) {
      const saved = await client.save(...entries(10));
      for (const [i, { savedAt }] of saved.entries()) {
        const pageSize = (i % 4) + 1;
        await client.expectListed(list, saved.slice(0, i), { savedBefore: savedAt, pageSize });
        await client.expectListed(list, saved.slice(0, i + 1), { savedBefore: savedAt + 1n, pageSize });
      }
      await client.expectListed(list, [], { savedBefore: 1n });
      await client.expectListed(list, saved, { savedBefore: MAX_VERSION });
    },

    async "with after, only later versions are listed"({ client, entries, list }) {
      const saved = await client.save(...entries(10));
      for (const [i, { savedAt }] of saved.entries()) {
        const pageSize = (i % 4) + 1;
        await client.expectListed(list, saved.slice(i + 1), { after: savedAt, pageSize });
        await client.expectListed(list, saved.slice(i), { after: savedAt - 1n, pageSize });
        const upTo = saved.slice(i + 1, 8);
        await client.expectListed(list, upTo, { after: savedAt, savedBefore: saved[8]?.savedAt, pageSize });
      }
      await client.expectListed(list, saved, { after: 0n });
      await client.expectListed(list, [], { after: MAX_VERSION });
    },

    async "a listing that continues after the last version of another misses none, though tasks were completed since"({
      client,
      entries,
      list,
    }) {
      const saved = await client.saveAll(entries(30));
      const first = (await client.listing(list, { pageSize: 10 }).next()) ?? [];
      await client.complete(...first);
      await client.expectListed(list, saved.slice(10), { after: first.at(-1)?.savedAt, pageSize: 7 });
    },

    async "a task that is saved again after savedBefore is not listed"({ client, entries, entry, list }) {
      const saved = await client.save(...entries(6));
      const [again] = await client.save(entry("task-2"));
      const rest = saved.filter(({ id }) => id !== again.id);
      await client.expectListed(list, rest, { savedBefore: again.savedAt });
      await client.expectListed(list, [...rest, again], { savedBefore: again.savedAt + 1n });
    },

    async "concurrent listings of a list do not affect each other"({ client, entries, list }) {
      const saved = await client.save(...entries(50));
      const listings = [7, 3, 50].map((pageSize) => client.listing(list, { pageSize }));
      const firsts = await Promise.all(listings.map(async (listing) => (await listing.next()) ?? []));
      const rests = await Promise.all(listings.map((listing) => listing.rest()));
      for (const [i, first] of firsts.entries()) expectTasks([...first, ...(rests[i] ?? [])], saved);
    },

    async "a long list is listed whole and in order, and is empty once it is completed"({
      client,
      entries,
      list,
      options,
    }) {
      const saved = await client.saveAll(entries(options.tasks));
      await client.expectListed(list, saved, { pageSize: 500 });
      await client.completeAll(saved);
      await client.expectListed(list, []);
    },
  },
};
