import { Claimant } from "../claimant.js";
import type { CaseGroup } from "../scenario.js";
import { expectOneHolder } from "./claiming.js";

export const sharedClaims: CaseGroup = {
  group: "claims of several adapters",
  needs: "sharedClaims",
  cases: {
    async "of concurrent claims of several adapters, exactly one is granted"({ client, another, entries }) {
      const clients = [client, await another(), await another()];
      for (const task of await client.save(...entries(5))) {
        const owners = Array.from({ length: 9 }, (_, i) => new Claimant(clients[i % 3] ?? client, `worker ${i}`));
        await expectOneHolder(owners, await Promise.all(owners.map((owner) => owner.claim(task))));
      }
    },

    async "a task that one adapter has claimed, another refuses until it is released"({ client, another, entry }) {
      const other = new Claimant(await another(), "b");
      const [task] = await client.save(entry("a"));
      const owner = new Claimant(client, "a");
      const claim = await owner.expectGranted(task);
      await other.expectRefused(task);
      await owner.release(claim);
      await other.expectGranted(task);
      await owner.expectLost(claim);
    },

    async "a claim lasts after the adapter that made it is closed"({ client, another, entry }) {
      const [task] = await client.save(entry("a"));
      const claim = await new Claimant(client, "a").expectGranted(task);
      await client.adapter.close();
      const later = await another();
      await new Claimant(later, "b").expectRefused(task);
      await new Claimant(later, "a").expectRenewed(claim);
    },
  },
};
