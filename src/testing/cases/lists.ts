import assert from "node:assert/strict";
import type { Adapter } from "../../adapter/adapter.js";
import { expectRejection } from "../checks.js";
import { awkwardKeys, newTaskList, taskEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

async function namesOf(adapter: Adapter): Promise<string[]> {
  const names: string[] = [];
  for await (const page of adapter.lists?.() ?? assert.fail("the adapter has no lists")) {
    assert.ok(page.length > 0, "a page has no names");
    names.push(...page);
  }
  return names;
}

export const lists: CaseGroup = {
  group: "lists",
  needs: "lists",
  cases: {
    async "every list with an open task is named, once"({ client }) {
      const names = Array.from({ length: 30 }, newTaskList);
      await client.save(...names.flatMap((name) => [taskEntry(name, "a"), taskEntry(name, "b")]));
      const found = await namesOf(client.adapter);
      assert.equal(new Set(found).size, found.length, "a list was named twice");
      for (const name of names) assert.ok(found.includes(name), `${name} has open tasks, but was not named`);
    },

    async "a list is named as long as one of its tasks is open"({ client, entry, list }) {
      const [a, b] = await client.save(entry("a"), entry("b"));
      await client.complete(a);
      assert.ok((await namesOf(client.adapter)).includes(list));
      const again = await client.save(entry("b", { replaces: [b.savedAt] }));
      await client.complete(b);
      assert.ok((await namesOf(client.adapter)).includes(list));
      await client.complete(...again);
    },

    async "a list that was never saved to is not named"({ client }) {
      assert.ok(!(await namesOf(client.adapter)).includes(newTaskList()));
    },

    async "awkward names of lists are returned unchanged"({ client, list }) {
      const names = awkwardKeys.map((key) => `${list}${key}`);
      await client.saveAll(names.map((name) => taskEntry(name, "a")));
      const found = new Set(await namesOf(client.adapter));
      assert.deepEqual(
        names.filter((name) => !found.has(name)),
        [],
      );
    },

    async "a call of lists that was aborted before the first pull fails at that pull"({ client }) {
      const options = { signal: AbortSignal.abort() };
      await expectRejection(async () => {
        for await (const _ of client.adapter.lists?.(options) ?? []);
      }, "ABORTED");
    },
  },
};
