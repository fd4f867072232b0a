import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { describeTask, expectStored, inOrder, type KnownTask, knownTask } from "../checks.js";
import type { CaseGroup } from "../scenario.js";

function latestOf(tasks: readonly KnownTask[]): KnownTask {
  return tasks.reduce((latest, task) => (task.savedAt > latest.savedAt ? task : latest));
}

export const concurrency: CaseGroup = {
  group: "concurrent calls",
  cases: {
    async "a hundred concurrent saves are all stored"({ client, entries, list }) {
      const saved = (await Promise.all(entries(100).map((entry) => client.save(entry)))).flat();
      assert.equal(new Set(saved.map(({ savedAt }) => savedAt)).size, 100, "two saves have the same version");
      await client.expectOpen(list, inOrder(saved));
    },

    async "of concurrent saves of one key, the latest version stays"({ client, entry, list }) {
      const calls = Array.from({ length: 40 }, (_, i) => client.save(entry("a"), entry(`other-${i % 3}`)));
      const saved = (await Promise.all(calls)).flat();
      const ids = ["a", "other-0", "other-1", "other-2"];
      const latest = ids.map((id) => latestOf(saved.filter((task) => task.id === id)));
      await client.expectOpen(list, inOrder(latest));
    },

    async "a complete beside a newer save does not remove it"({ client, entries, entry, list }) {
      const old = await client.save(...entries(20));
      const calls = old.map(async (task) => {
        const complete = () => client.complete(task);
        const again = entry(task.id, { replaces: [task.savedAt] });
        const [, saved] = await Promise.all([complete(), client.save(again), complete()]);
        return saved;
      });
      await client.expectOpen(list, inOrder((await Promise.all(calls)).flat()));
    },

    async "reads beside saves always find the task, in one whole version"({ client, entry, list }) {
      const first = await client.save(entry("a"), entry("b"));
      const saved = new Map(first.map((task) => [task.savedAt, task]));
      const read: KnownTask[] = [];
      for (let round = 0; round < 10; round++) {
        let isSaving = true;
        const save = async () => {
          const again = await client.save(entry("a"), entry("b")).finally(() => {
            isSaving = false;
          });
          for (const task of again) saved.set(task.savedAt, task);
        };
        const readBeside = async () => {
          do {
            const found = await client.find(...first);
            for (const stored of found)
              read.push(knownTask(list, stored ?? assert.fail("a task was not found during a save")));
            read.push(...(await client.list(list)));
            await setImmediate();
          } while (isSaving);
        };
        await Promise.all([save(), readBeside()]);
      }
      for (const task of read) {
        const same = saved.get(task.savedAt);
        assert.ok(same, `${describeTask(task)} was read, but never saved`);
        expectStored(task, same);
      }
    },
  },
};
