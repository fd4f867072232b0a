import { expectRejection } from "../checks.js";
import type { CaseGroup } from "../scenario.js";

export const opening: CaseGroup = {
  group: "open",
  cases: {
    async "every call opens the store by itself"({ client, entry, list, another }) {
      const saved = await client.save(entry("a"));
      await client.expectOpen(list, saved);
      await (await another()).find({ taskList: list, id: "a" });
      await (await another()).list(list);
      await (await another()).complete(...saved);
    },

    async "concurrent calls can open the store"({ client, entry, list }) {
      const calls = [client.adapter.open(), client.save(entry("a")), client.list(list), client.adapter.open()];
      await Promise.all([...calls, client.save(entry("b")), client.find(entry("a"))]);
    },

    async "a store that is open can be opened again"({ client, entry, list }) {
      await client.adapter.open();
      const saved = await client.save(entry("a"));
      await client.adapter.open();
      await client.expectOpen(list, saved);
    },

    async "an opening that was aborted can be repeated"({ client, entry, list }) {
      await expectRejection(() => client.adapter.open({ signal: AbortSignal.abort() }), "ABORTED");
      await client.adapter.open();
      await client.expectOpen(list, await client.save(entry("a")));
    },
  },
};
