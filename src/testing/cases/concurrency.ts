import assert from "node:assert/strict";
import { expectBytes, type StoredTask, storedTask } from "../checks.js";
import type { CaseGroup } from "../scenario.js";

function latestOf(tasks: readonly StoredTask[]): StoredTask {
  return tasks.reduce((latest, task) => (task.savedAt > latest.savedAt ? task : latest));
}

export const concurrency: CaseGroup = {
  group: "calls at once",
  cases: {
    async "a hundred saves at once are all there"({ client, entries, list }) {
      const saved = (await Promise.all(entries(100).map((entry) => client.save(entry)))).flat();
      assert.equal(new Set(saved.map(({ savedAt }) => savedAt)).size, 100, "each has a version of its own");
      await client.expectOpen(
        list,
        saved.sort((a, b) => (a.savedAt < b.savedAt ? -1 : 1)),
      );
    },

    async "of saves of one key at once the latest version stays"({ client, entry, list }) {
      const calls = Array.from({ length: 40 }, (_, i) => client.save(entry("a"), entry(`other-${i % 3}`)));
      const saved = (await Promise.all(calls)).flat();
      const ids = ["a", "other-0", "other-1", "other-2"];
      const latest = ids.map((id) => latestOf(saved.filter((task) => task.id === id)));
      await client.expectOpen(
        list,
        latest.sort((a, b) => (a.savedAt < b.savedAt ? -1 : 1)),
      );
    },

    async "a complete that meets a newer save leaves it"({ client, entries, entry, list }) {
      const old = await client.save(...entries(20));
      const calls = old.map(async (task) => {
        const completes = [client.complete(task), client.complete(task)];
        const saved = await client.save(entry(task.id, { replaces: [task.savedAt] }));
        await Promise.all(completes);
        return saved;
      });
      const saved = (await Promise.all(calls)).flat();
      await client.expectOpen(
        list,
        saved.sort((a, b) => (a.savedAt < b.savedAt ? -1 : 1)),
      );
    },

    async "what is read beside saves is whole, and always there"({ client, entry, list }) {
      const ids = ["a", "b", "c"];
      const first = await client.save(...ids.map((id) => entry(id)));
      const saves: Promise<StoredTask[]>[] = [Promise.resolve(first)];
      const read: StoredTask[] = [];
      for (let round = 0; round < 15; round++) {
        saves.push(client.save(...ids.map((id) => entry(id))));
        const found = await client.find(...first);
        read.push(...found.flatMap((bytes) => (bytes ? [storedTask(bytes)] : [])), ...(await client.list(list)));
        assert.ok(found.every(Boolean), "a task was not found while it was saved again");
      }
      const saved = new Map((await Promise.all(saves)).flat().map((task) => [task.savedAt, task]));
      for (const task of read) {
        const same = saved.get(task.savedAt);
        assert.ok(same, `version ${task.savedAt} of ${task.id} was read, which nobody has saved`);
        expectBytes(task.bytes, same);
      }
    },
  },
};
