import assert from "node:assert/strict";
import type { AllOptions } from "../../adapter/adapter.js";
import { expectTasks, type KnownTask } from "../checks.js";
import type { Client } from "../client.js";
import { largeEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

/** The pages of a list; checks that each is within the limits, and that together they are these tasks. */
async function pagesOf(
  client: Client,
  list: string,
  tasks: readonly KnownTask[],
  limits: Partial<AllOptions>,
): Promise<KnownTask[][]> {
  const { pageSize = Infinity, maxPageBytes = Infinity } = limits;
  const pages: KnownTask[][] = [];
  for await (const page of client.listing(list, limits)) {
    assert.ok(page.length > 0, "a page is empty");
    assert.ok(page.length <= pageSize, `a page of at most ${pageSize} tasks has ${page.length}`);
    const size = page.reduce((sum, { body }) => sum + body.length, 0);
    assert.ok(page.length === 1 || size <= maxPageBytes, `a page of at most ${maxPageBytes} bytes has ${size}`);
    pages.push(page);
  }
  expectTasks(pages.flat(), tasks);
  return pages;
}

export const pages: CaseGroup = {
  group: "all: pages",
  cases: {
    async "pages have at most pageSize tasks, and none is lost or repeated"({ client, entries, list }) {
      const saved = await client.save(...entries(12));
      for (const pageSize of [1, 2, 3, 4, 5, 6, 11, 12, 13, 1000]) await pagesOf(client, list, saved, { pageSize });
    },

    async "a page ends before the task that would exceed maxPageBytes"({ client, entry, list }) {
      const lengths = [10, 2000, 30, 400, 400, 1, 900, 3000, 0, 0];
      const saved = await client.save(...lengths.map((length, i) => entry(`${i}`, { data: new Uint8Array(length) })));
      for (const maxPageBytes of [500, 1000, 2500, 5000, 100_000]) await pagesOf(client, list, saved, { maxPageBytes });
      await pagesOf(client, list, saved, { maxPageBytes: 2500, pageSize: 2 });
    },

    async "a task of more than maxPageBytes has its own page"({ client, entry, list }) {
      const saved = await client.save(entry("a"), largeEntry(list, "large"), entry("b"));
      const found = await pagesOf(client, list, saved, { maxPageBytes: 10_000 });
      const holding = found.find((page) => page.some(({ id }) => id === "large"));
      assert.equal(holding?.length, 1);
      assert.equal((await pagesOf(client, list, saved, { maxPageBytes: 1 })).length, 3);
    },

    async "large tasks are listed a few at a time"({ client, list }) {
      const saved = await client.save(...Array.from({ length: 8 }, (_, i) => largeEntry(list, `${i}`)));
      const found = await pagesOf(client, list, saved, { maxPageBytes: 3 * 1024 * 1024 });
      assert.ok(found.length >= 3);
    },

    async "pages skip completed tasks, however many lie between, and are never empty"({ client, entries, list }) {
      const saved = await client.saveAll(entries(60));
      const open = saved.filter((_, i) => i === 0 || i === 29 || i === 59);
      await client.completeAll(saved.filter((task) => !open.includes(task)));
      for (const pageSize of [1, 2, 3, 4]) await pagesOf(client, list, open, { pageSize });
    },
  },
};
