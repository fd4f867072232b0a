import type { KnownTask } from "../checks.js";
import type { Client } from "../client.js";
import { awkwardKeys, largeEntry, longestKeys, newTaskList, sampleBytes, taskEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

/** Checks that each list has its own task only, also after some of the tasks were completed. */
async function expectApart(client: Client, tasks: readonly KnownTask[]): Promise<void> {
  await client.expectFound(...tasks);
  for (const task of tasks) await client.expectListed(task.taskList, [task]);
  await client.complete(...tasks.filter((_, i) => i % 2));
  await client.expectFound(...tasks.filter((_, i) => !(i % 2)));
  await client.expectNotFound(...tasks.filter((_, i) => i % 2));
}

export const keysAndData: CaseGroup = {
  group: "keys and data",
  cases: {
    async "ids may have 512 bytes"({ client, entry, list }) {
      const ids = [...longestKeys(""), ...longestKeys("x")];
      const saved = await client.save(...ids.map((id) => entry(id)));
      await client.expectOpen(list, saved);
      await client.complete(...saved);
      await client.expectListed(list, []);
    },

    async "a list's name and an id may each have 512 bytes"({ client }) {
      // Some of them differ in their last bytes only.
      const lists = [...longestKeys(newTaskList()), ...longestKeys(newTaskList())];
      const entries = lists.map((list) => taskEntry(list, longestKeys("")[0] as string));
      await expectApart(client, await client.save(...entries));
    },

    async "ids may contain awkward characters, and stay distinct"({ client, entry, list }) {
      const saved = await client.save(...awkwardKeys.map((id) => entry(id)));
      await client.expectOpen(list, saved);
      const even = saved.filter((_, i) => i % 2 === 0);
      await client.complete(...saved.filter((_, i) => i % 2));
      await client.expectOpen(list, even);
    },

    async "names of lists may contain awkward characters, and stay distinct"({ client, list }) {
      const entries = awkwardKeys.map((key) => taskEntry(`${key}${list}${key}`, "a"));
      await expectApart(client, await client.save(...entries));
    },

    async "lists and ids that look alike when joined stay distinct"({ client, list }) {
      const pairs = [
        ["", "abc"],
        ["a", "bc"],
        ["ab", "c"],
        ["\u0001", "\u0001"],
        ["\u0001\u0001", "a"],
        ["\u{10ffff}", "a"],
      ];
      await expectApart(client, await client.save(...pairs.map(([end, id]) => taskEntry(`${list}${end}`, id ?? ""))));
    },

    async "data may be empty"({ client, entry, list }) {
      await client.expectOpen(list, await client.save(entry("a", { data: new Uint8Array() })));
    },

    async "data may contain every byte"({ client, entry, list }) {
      await client.expectOpen(list, await client.save(entry("a", { data: sampleBytes(10_000) })));
    },

    async "unknown fields of an envelope are kept"({ client, entry, list }) {
      await client.expectOpen(list, await client.save(entry("a", { hasUnknownFields: true })));
    },

    async "an envelope may have 1 MiB"({ client, list }) {
      const saved = await client.save(largeEntry(list, "a"));
      await client.expectOpen(list, saved);
      await client.complete(...saved);
      await client.expectListed(list, []);
    },

    async "one call may carry twenty envelopes of 1 MiB, among small ones"({ client, entry, list }) {
      const entries = Array.from({ length: 20 }, (_, i) => [largeEntry(list, `large-${i}`), entry(`small-${i}`)]);
      const saved = await client.save(...entries.flat());
      await client.expectOpen(list, saved);
    },
  },
};
