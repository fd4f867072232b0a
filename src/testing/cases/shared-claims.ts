import { Claimant } from "../claimant.js";
import type { CaseGroup } from "../scenario.js";
import { expectOneHolder } from "./claiming.js";

export const sharedClaims: CaseGroup = {
  group: "claims of several adapters",
  needs: "sharedClaims",
  cases: {
    async "of the claims of several adapters at once one is granted"({ client, another, entries }) {
      const clients = [client, await another(), await another()];
      for (const task of await client.save(...entries(5))) {
        const owners = Array.from({ length: 9 }, (_, i) => new Claimant(clients[i % 3] ?? client, `worker ${i}`));
        await expectOneHolder(owners, await Promise.all(owners.map((owner) => owner.claim(task))));
      }
    },

    async "what one adapter has claimed, another refuses, and takes over once it is released"({
      client,
      another,
      entry,
    }) {
      const other = new Claimant(await another(), "b");
      const [task] = await client.save(entry("a"));
      const owner = new Claimant(client, "a");
      const claim = await owner.expectGranted(task);
      await other.expectRefused(task);
      await owner.release(claim);
      await other.expectGranted(task);
      await owner.expectLost(claim);
    },

    async "a claim outlives the adapter that it was made with"({ client, another, entry }) {
      const [task] = await client.save(entry("a"));
      const claim = await new Claimant(client, "a").expectGranted(task);
      await client.adapter.close();
      const later = await another();
      await new Claimant(later, "b").expectRefused(task);
      await new Claimant(later, "a").expectRenewed(claim);
    },
  },
};
