import assert from "node:assert/strict";
import { describeTask, expectDistinct, expectTasks, type KnownTask } from "../checks.js";
import { Random } from "../random.js";
import type { CaseGroup } from "../scenario.js";

export const changingLists: CaseGroup = {
  group: "all: changing lists",
  cases: {
    async "completing each task when it is listed skips none"({ client, entries, list }) {
      const saved = await client.save(...entries(50));
      const seen: KnownTask[] = [];
      for await (const page of client.listing(list, { pageSize: 7 })) {
        seen.push(...page);
        await client.complete(...page);
      }
      expectTasks(seen, saved);
      await client.expectListed(list, []);
    },

    async "a listing ends even if each task is saved again when it is listed"({ client, entries, entry, list }) {
      await client.save(...entries(20));
      const seen: KnownTask[] = [];
      for await (const page of client.listing(list, { pageSize: 3 })) {
        seen.push(...page);
        await client.save(...page.map(({ id, savedAt }) => entry(id, { replaces: [savedAt] })));
      }
      expectDistinct(seen);
      assert.equal(new Set(seen.map(({ id }) => id)).size, 20, "a task that was open all the time was not listed");
    },

    async "a listing ends even if new tasks are saved as fast as it reads"({ client, entries, entry, list }) {
      const saved = await client.save(...entries(10));
      const seen: KnownTask[] = [];
      for await (const page of client.listing(list, { pageSize: 2 })) {
        seen.push(...page);
        await client.save(...page.map(({ savedAt }) => entry(`new-${savedAt}`)));
      }
      expectDistinct(seen);
      expectTasks(seen.slice(0, 10), saved);
    },

    async "a task that is saved again before it is reached is in this listing or in the next"({
      client,
      entries,
      entry,
      list,
    }) {
      const saved = await client.save(...entries(20));
      const listing = client.listing(list, { pageSize: 2 });
      const seen = [...((await listing.next()) ?? [])];
      const again = await client.save(
        ...saved.slice(8, 12).map(({ id, savedAt }) => entry(id, { replaces: [savedAt] })),
      );
      seen.push(...(await listing.rest()));
      expectDistinct(seen);
      const missing = saved.filter(({ id }) => !seen.some((task) => task.id === id));
      for (const task of missing)
        assert.ok(
          again.some(({ id }) => id === task.id),
          `${describeTask(task)} was not listed`,
        );
      await client.expectListed(list, [...saved.slice(0, 8), ...saved.slice(12), ...again]);
    },

    async "untouched tasks are listed, and each version once, whatever happens to other tasks"({
      client,
      entries,
      entry,
      list,
    }) {
      const random = new Random(7);
      const saved = await client.save(...entries(60));
      const untouched = saved.filter((_, i) => i % 2 === 0);
      const touched = saved.filter((_, i) => i % 2);
      const seen: KnownTask[] = [];
      for await (const page of client.listing(list, { pageSize: 4 })) {
        seen.push(...page);
        await client.complete(random.pick(touched), random.pick(touched));
        const again = random.pick(touched);
        touched.push(...(await client.save(entry(again.id), entry(`new-${seen.length}`))));
      }
      expectDistinct(seen);
      const isUntouched = ({ savedAt }: KnownTask) => untouched.some((task) => task.savedAt === savedAt);
      expectTasks(seen.filter(isUntouched), untouched);
    },
  },
};
