import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { expectError, expectRejection, outcomesOf } from "../checks.js";
import type { CaseGroup } from "../scenario.js";

export const closing: CaseGroup = {
  group: "close",
  cases: {
    async "every call after close fails with CLOSED"({ client, entry, list }) {
      const saved = await client.save(entry("a"));
      const { adapter } = client;
      await adapter.close();
      await expectRejection(() => adapter.open(), "CLOSED");
      await expectRejection(() => adapter.find(saved), "CLOSED");
      await expectRejection(() => client.listing(list).next(), "CLOSED");
      const again = [entry("a")];
      const [late] = await outcomesOf(again, () => adapter.save(again));
      assert.equal(expectError(late, "CLOSED").outcome, "not-applied");
      const [gone] = await outcomesOf(saved, () => adapter.complete(saved));
      assert.equal(expectError(gone, "CLOSED").outcome, "not-applied");
    },

    async "an adapter can be closed again, and twice at once"({ client, entry }) {
      await client.save(entry("a"));
      await Promise.all([client.adapter.close(), client.adapter.close()]);
      await client.adapter.close();
    },

    async "an adapter can be closed without having been opened"({ client }) {
      await client.adapter.close();
      await expectRejection(() => client.adapter.open(), "CLOSED");
    },

    async "close waits for saves and completes in flight, and they succeed"({ client, entries }) {
      const saved = await client.save(...entries(20));
      const calls = [
        ...entries(40).map((entry) => client.save(entry)),
        ...saved.map((task) => client.complete(task)),
        client.save(...entries(100)),
      ];
      let settled = 0;
      for (const call of calls) {
        const count = () => settled++;
        call.then(count, count);
      }
      await client.adapter.close();
      await setImmediate();
      assert.equal(settled, calls.length, "calls were still in flight after close had resolved");
      await Promise.all(calls);
    },

    async "a listing that close interrupts fails with CLOSED, instead of ending early"({ client, entries, list }) {
      await client.save(...entries(20));
      const listing = client.listing(list, { pageSize: 3 });
      await listing.next();
      await client.adapter.close();
      await expectRejection(() => listing.rest(), "CLOSED");
    },
  },
};
