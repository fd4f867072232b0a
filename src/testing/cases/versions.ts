import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Version } from "../../adapter/adapter.js";
import { MAX_VERSION } from "../../core/version.js";
import { acknowledged, expectError, type KnownTask } from "../checks.js";
import { newTaskList, taskEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

const MINUTE: Version = 60_000_000n;

function hostTime(): Version {
  return BigInt(Date.now()) * 1000n;
}

function isSmall(difference: bigint): boolean {
  return difference > -10n * MINUTE && difference < 10n * MINUTE;
}

function expectRising(tasks: readonly KnownTask[]): void {
  for (const [i, { savedAt }] of tasks.slice(1).entries()) {
    const before = tasks[i]?.savedAt as Version;
    assert.ok(savedAt > before, `a version of ${savedAt} was given after one of ${before}`);
  }
}

export const versions: CaseGroup = {
  group: "versions",
  cases: {
    async "a version is the time of the save, in microseconds"({ client, entry }) {
      const [{ savedAt }] = await client.save(entry("a"));
      assert.equal(typeof savedAt, "bigint");
      const difference = savedAt - hostTime();
      assert.ok(isSmall(difference), `the version ${savedAt} differs from the clock by ${difference} microseconds`);
    },

    async "versions rise from call to call, whatever the lists and ids"({ client }) {
      const lists = [newTaskList(), newTaskList()];
      const saved: KnownTask[] = [];
      for (let i = 0; i < 50; i++) saved.push(...(await client.save(taskEntry(lists[i % 2] as string, `${i % 7}`))));
      expectRising(saved);
    },

    async "versions rise within a call, in the order of its entries"({ client, entries }) {
      expectRising(await client.save(...entries(200)));
    },

    async "versions rise across adapters of one process"({ client, another, entry }) {
      const other = await another();
      const saved: KnownTask[] = [];
      for (let i = 0; i < 20; i++) saved.push(...(await (i % 2 ? client : other).save(entry(`${i}`))));
      expectRising(saved);
    },

    async "versions are later than what is replaced, even if that is ahead of the clock"({ client, entry, list }) {
      const [before] = await client.save(entry("before"));
      const ahead = before.savedAt + 100_000n;
      const [task] = await client.save(entry("a", { replaces: [ahead] }));
      assert.ok(task.savedAt > ahead, `a version of ${task.savedAt} was given to replace ${ahead}`);
      const [next] = await client.save(entry("b"));
      expectRising([before, task, next]);
      await client.expectOpen(list, [before, task, next]);
    },

    async "versions are later than all that a save of unknown outcome may have left"({ client, entry, list }) {
      const [known] = await client.save(entry("a"));
      const perhaps = known.savedAt + 100_000n;
      const saved = await client.save(entry("a", { replaces: [perhaps, known.savedAt] }));
      assert.ok(saved[0].savedAt > perhaps, `a version of ${saved[0].savedAt} was given to replace ${perhaps}`);
      await client.expectOpen(list, saved);
    },

    /** A store may also refuse a save that replaces such a version. */
    async "a version far ahead of the clock does not affect the versions of other tasks"({ client, entry, list }) {
      const wild = hostTime() + 24n * 60n * MINUTE;
      const far = entry("far", { replaces: [wild] });
      const [outcome] = await client.adapter.save([far]);
      const [near] = await client.save(entry("near"));
      assert.ok(
        near.savedAt < hostTime() + 10n * MINUTE,
        "another task was given a version far ahead of the clock, too",
      );
      const saved = [near];
      if (outcome?.ok) {
        const savedAt = acknowledged(outcome);
        assert.ok(savedAt > wild, `a version of ${savedAt} was given to replace ${wild}`);
        saved.push({ taskList: list, id: "far", savedAt, body: far.body });
      } else expectError(outcome, "CLOCK_SKEW");
      await client.expectOpen(list, saved);
    },

    async "a task whose version lies far ahead of the clock may be of any age"({ client, entry, list }) {
      const wild = hostTime() + 24n * 60n * MINUTE;
      const [before] = await client.save(entry("before"));
      const [outcome] = await client.adapter.save([entry("far", { replaces: [wild] })]);
      await sleep(5); // a clock with a resolution of a millisecond would give both tasks the same time
      const [after] = await client.save(entry("after"));
      const far = outcome?.ok ? ["far"] : [];
      const listed = await client.list(list, { savedBefore: after.savedAt });
      assert.deepEqual(
        listed.map(({ id }) => id),
        [before.id, ...far],
      );
    },

    async "the savedTime of a listed task is the clock's time of the save"({ client, entry, list }) {
      const wild = hostTime() + 24n * 60n * MINUTE;
      await client.adapter.save([entry("far", { replaces: [wild] })]);
      await client.save(entry("near"));
      for await (const page of client.adapter.all(list, { pageSize: 10, maxPageBytes: 1e6, withoutBodies: true }))
        for (const { id, savedAt, savedTime = savedAt } of page) {
          if (savedTime === savedAt && id === "far") continue; // the store does not know the time of the save
          const difference = savedTime - hostTime();
          assert.ok(isSmall(difference), `the time ${savedTime} differs from the clock by ${difference} microseconds`);
        }
    },

    async "only an entry for which there is no later version fails"({ client, entry, list }) {
      const [saved, failed] = await client.adapter.save([entry("a"), entry("b", { replaces: [MAX_VERSION] })]);
      const error = expectError(failed, "CLOCK_SKEW");
      assert.equal(error.outcome, "not-applied");
      assert.equal((await client.list(list))[0]?.savedAt, acknowledged(saved));
      await client.expectNotFound({ taskList: list, id: "b" });
    },
  },
};
