import assert from "node:assert/strict";
import type { CompleteEntry } from "../../adapter/adapter.js";
import { type ClaimState, REDELIVERY } from "../../adapter/claim-store.js";
import { Claimant, claimsOf, LONG_LEASE } from "../claimant.js";
import type { Client } from "../client.js";
import type { CaseGroup } from "../scenario.js";

/** Marks a task as handed to a queue again; resolves to undefined if that is refused. */
function mark(client: Client, { taskList, id, savedAt }: CompleteEntry): Promise<ClaimState | undefined> {
  return claimsOf(client).claim({ taskList, id, savedAt, owner: REDELIVERY, lease: LONG_LEASE });
}

export const marks: CaseGroup = {
  group: "marks of tasks that were handed to a queue again",
  needs: "claims",
  cases: {
    async "a mark prevents other marks, also on a later version, but no claims"({ client, entry }) {
      const [first] = await client.save(entry("a"));
      assert.ok(await mark(client, first), "a task that nobody has claimed was not marked");
      assert.equal(await mark(client, first), undefined);
      const [task] = await client.save(entry("a"));
      assert.equal(await mark(client, task), undefined);
      await new Claimant(client, "a").expectGranted(task);
    },

    async "a mark does not count as an attempt, and keeps the state of the last claim"({ client, entry }) {
      const owner = new Claimant(client, "a");
      const [first] = await client.save(entry("a"));
      const fresh = await mark(client, first);
      assert.deepEqual([fresh?.savedAt, fresh?.attempt], [0n, 0]);
      const claim = await owner.expectGranted(first);
      assert.equal(claim.attempt, 1);
      await owner.release(claim);
      const [task] = await client.save(entry("a"));
      await mark(client, task);
      const [state] = await claimsOf(client).states([task]);
      assert.deepEqual([state?.owner, state?.savedAt, state?.attempt], [REDELIVERY, first.savedAt, 1]);
      assert.ok((state?.token ?? 0n) > claim.token, "a mark has no higher token than the claim before it");
      assert.equal((await owner.expectGranted(task)).attempt, 2);
    },

    async "a task that is claimed, or waits to be tried again, is not marked"({ client, entry }) {
      const owner = new Claimant(client, "a");
      const [held, waiting, saved] = await client.save(entry("held"), entry("waiting"), entry("saved"));
      await owner.expectGranted(held);
      await owner.release(await owner.expectGranted(waiting), LONG_LEASE);
      const claim = await owner.expectGranted(saved);
      const [later] = await client.save(entry("saved"));
      for (const task of [held, waiting, later]) assert.equal(await mark(client, task), undefined);
      await owner.expectRenewed(claim);
    },

    async "a mark that was released may be set again"({ client, entry }) {
      const [task] = await client.save(entry("a"));
      const first = await mark(client, task);
      await claimsOf(client).release({ ...task, token: first?.token ?? 0n }, 0);
      assert.ok(await mark(client, task));
    },

    async "a task that is not open is not marked"({ client, entry }) {
      const [done] = await client.save(entry("done"));
      await client.complete(done);
      assert.equal(await mark(client, done), undefined);
    },
  },
};
