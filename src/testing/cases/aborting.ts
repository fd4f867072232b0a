import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { expectError, expectRejection, outcomesOf } from "../checks.js";
import { aMoment, type CaseGroup } from "../scenario.js";

/** Moments at which a call may be in flight: at once, in the next turn of the event loop, and later. */
const moments: readonly (() => Promise<unknown>)[] = [
  () => Promise.resolve(),
  () => setImmediate(),
  () => sleep(1),
  () => sleep(5),
];

export const aborting: CaseGroup = {
  group: "abort",
  cases: {
    async "a save that was aborted before the call stores nothing, and is reported as not applied"({
      client,
      entries,
      list,
    }) {
      const all = entries(3);
      const options = { signal: AbortSignal.abort() };
      for (const outcome of await outcomesOf(all, () => client.adapter.save(all, options)))
        assert.equal(expectError(outcome, "ABORTED").outcome, "not-applied");
      await aMoment();
      await client.expectNotFound(...all);
      await client.expectListed(list, []);
    },

    async "a complete that was aborted before the call removes nothing, and is reported as not applied"({
      client,
      entries,
      list,
    }) {
      const saved = await client.save(...entries(3));
      const options = { signal: AbortSignal.abort() };
      for (const outcome of await outcomesOf(saved, () => client.adapter.complete(saved, options)))
        assert.equal(expectError(outcome, "ABORTED").outcome, "not-applied");
      await aMoment();
      await client.expectOpen(list, saved);
    },

    async "a save that is aborted in flight reports its true outcome"({ client, entry }) {
      await client.adapter.open();
      for (const [moment, reached] of moments.entries()) {
        const entries = Array.from({ length: 20 }, (_, i) => entry(`${moment}-${i}`));
        const controller = new AbortController();
        const outcomes = outcomesOf(entries, () => client.adapter.save(entries, { signal: controller.signal }));
        await reached();
        controller.abort();
        const settled = await outcomes;
        await aMoment();
        for (const [i, { taskList, id, body }] of entries.entries()) {
          const outcome = settled[i];
          if (outcome?.ok) {
            await client.expectFound({ taskList, id, savedAt: outcome.value, body });
            continue;
          }
          const { outcome: applied } = expectError(outcome, "ABORTED");
          if (applied === "not-applied") await client.expectNotFound({ taskList, id });
          else if (outcome?.attempted !== undefined) {
            await client.complete({ taskList, id, savedAt: outcome.attempted });
            await client.expectNotFound({ taskList, id });
          }
        }
      }
    },

    async "a complete that is aborted in flight reports its true outcome"({ client, entry }) {
      for (const [moment, reached] of moments.entries()) {
        const saved = await client.saveAll(Array.from({ length: 20 }, (_, i) => entry(`${moment}-${i}`)));
        const controller = new AbortController();
        const outcomes = outcomesOf(saved, () => client.adapter.complete(saved, { signal: controller.signal }));
        await reached();
        controller.abort();
        const settled = await outcomes;
        await aMoment();
        for (const [i, task] of saved.entries()) {
          const outcome = settled[i];
          if (outcome?.ok) await client.expectNotFound(task);
          else if (expectError(outcome, "ABORTED").outcome === "not-applied") await client.expectFound(task);
        }
      }
    },

    async "an abort of one call does not affect other calls in flight"({ client, entry, entries }) {
      await client.adapter.open();
      const controller = new AbortController();
      const aborted = [entry("aborted")];
      const [first, second] = [entries(10).slice(0, 5), entries(10).slice(5)];
      const before = first.map((each) => client.save(each));
      const outcomes = outcomesOf(aborted, () => client.adapter.save(aborted, { signal: controller.signal }));
      const after = second.map((each) => client.save(each));
      controller.abort();
      const [saved] = await Promise.all([Promise.all([...before, ...after]), outcomes]);
      await client.expectFound(...saved.flat());
    },

    async "a find that was aborted before the call fails"({ client, entry }) {
      const saved = await client.save(entry("a"));
      await expectRejection(() => client.adapter.find(saved, { signal: AbortSignal.abort() }), "ABORTED");
      await client.expectFound(...saved);
    },

    async "a listing that was aborted before the first pull fails at that pull"({ client, entries, list }) {
      await client.save(...entries(3));
      await expectRejection(() => client.listing(list, { signal: AbortSignal.abort() }).next(), "ABORTED");
    },

    async "a listing that is aborted between two pulls fails at the second"({ client, entries, list }) {
      const saved = await client.save(...entries(10));
      const controller = new AbortController();
      const listing = client.listing(list, { pageSize: 2, signal: controller.signal });
      await listing.next();
      controller.abort();
      await expectRejection(() => listing.next(), "ABORTED");
      await client.expectListed(list, saved);
    },

    async "an abort after the end of a call changes nothing, and no listeners stay on the signal"({
      client,
      entries,
      list,
    }) {
      const controller = new AbortController();
      const { signal } = controller;
      await client.adapter.open({ signal });
      const all = entries(5);
      for (const one of all) await client.adapter.save([one], { signal });
      await client.adapter.find(all, { signal });
      const saved = await client.list(list, { pageSize: 2, signal });
      await client.adapter.complete(saved.slice(3), { signal });
      await aMoment();
      assert.equal(getEventListeners(signal, "abort").length, 0, "listeners stay on a signal after the calls");
      controller.abort();
      await client.expectOpen(list, saved.slice(0, 3));
    },
  },
};
