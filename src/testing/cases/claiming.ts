import assert from "node:assert/strict";
import { expectRejection } from "../checks.js";
import { Claimant, claimsOf, type Granted, LONG_LEASE } from "../claimant.js";
import { awkwardKeys, longestKeys, newTaskList, taskEntry } from "../entries.js";
import type { CaseGroup } from "../scenario.js";

export const claiming: CaseGroup = {
  group: "claims",
  needs: "claims",
  cases: {
    async "a granted claim has its owner, its attempt, its token and the end of its lease"({ client, entry }) {
      const [task] = await client.save(entry("a"));
      const before = Date.now();
      const claim = await new Claimant(client, "a worker").expectGranted(task, 60_000);
      assert.equal(claim.attempt, 1);
      assert.equal(typeof claim.token, "bigint");
      assert.ok(Number.isInteger(claim.until), "a lease ends at a whole millisecond");
      assert.ok(
        claim.until >= before + 59_000 && claim.until <= Date.now() + 61_000,
        "a lease does not last as long as was asked",
      );
    },

    async "while a claim lasts, no other owner is granted one"({ client, entry }) {
      const [task] = await client.save(entry("a"));
      const claim = await new Claimant(client, "a").expectGranted(task);
      for (const owner of ["b", "c"]) await new Claimant(client, owner).expectRefused(task);
      await new Claimant(client, "a").expectRenewed(claim);
    },

    async "of many concurrent claims, exactly one is granted"({ client, entries }) {
      for (const task of await client.save(...entries(5))) {
        const owners = Array.from({ length: 20 }, (_, i) => new Claimant(client, `worker ${i}`));
        await expectOneHolder(owners, await Promise.all(owners.map((owner) => owner.claim(task))));
      }
    },

    async "an owner who claims a task again replaces its own claim"({ client, entry }) {
      const [task] = await client.save(entry("a"));
      const owner = new Claimant(client, "a");
      const first = await owner.expectGranted(task);
      const second = await owner.expectGranted(task);
      await owner.expectLost(first);
      await owner.expectRenewed(second);
    },

    async "a version that was replaced, completed or never saved can't be claimed"({ client, entry }) {
      const owner = new Claimant(client, "a");
      const [old, done] = await client.save(entry("a"), entry("done"));
      const [task] = await client.save(entry("a"));
      await client.complete(done);
      for (const version of [old, done, { ...task, id: "never" }, { ...task, savedAt: task.savedAt + 1n }])
        await owner.expectRefused(version);
      await owner.expectGranted(task);
    },

    async "a refused claim changes nothing"({ client, entry }) {
      const [old] = await client.save(entry("a"));
      const [task] = await client.save(entry("a"));
      await new Claimant(client, "a").expectRefused(old);
      await new Claimant(client, "a").expectRefused({ ...task, savedAt: task.savedAt + 1n });
      const claim = await new Claimant(client, "b").expectGranted(task);
      await new Claimant(client, "c").expectRefused(old);
      await new Claimant(client, "b").expectRenewed(claim);
      assert.equal(claim.attempt, 1);
    },

    async "a claim is for one version: a later one can be claimed at once"({ client, entry }) {
      const [first] = await client.save(entry("a"));
      await new Claimant(client, "a").expectGranted(first);
      const [second] = await client.save(entry("a"));
      await new Claimant(client, "b").expectGranted(second);
    },

    async "a claim prevents nobody from saving, finding, listing and completing"({ client, entry, list }) {
      const [first] = await client.save(entry("a"));
      await new Claimant(client, "a").expectGranted(first);
      await client.expectOpen(list, [first]);
      const [second] = await client.save(entry("a"));
      await client.expectOpen(list, [second]);
      await new Claimant(client, "a").expectGranted(second);
      await client.complete(second);
      await client.expectListed(list, []);
    },

    async "a claim to a task blocks no other task, of its list or of another"({ client, entry }) {
      const [task, neighbour] = await client.save(entry("a"), entry("b"));
      const [namesake] = await client.save(taskEntry(newTaskList(), "a"));
      await new Claimant(client, "a").expectGranted(task);
      for (const other of [neighbour, namesake]) await new Claimant(client, "b").expectGranted(other);
    },

    async "tasks with awkward ids, and with the longest, are claimed separately"({ client, entry }) {
      const owner = new Claimant(client, 'o\'wner "ü🙂"');
      const ids = [...awkwardKeys, ...longestKeys("")];
      const tasks = await client.saveAll(ids.map((id) => entry(id)));
      const claims = await Promise.all(tasks.map((task) => owner.expectGranted(task)));
      for (const { attempt } of claims) assert.equal(attempt, 1, "two ids were taken for one");
    },

    async "attempts count the claims to a task, also if it is saved again"({ client, entry }) {
      const owner = new Claimant(client, "a");
      let [task] = await client.save(entry("a"));
      for (let attempt = 1; attempt <= 6; attempt++) {
        const claim = await owner.expectGranted(task);
        assert.equal(claim.attempt, attempt);
        if (attempt % 3 !== 1) await owner.release(claim);
        if (attempt % 2 === 0) [task] = await client.save(entry("a"));
      }
    },

    async "attempts begin at 1 if a task is saved anew after a complete under its claim"({ client, entry }) {
      const owner = new Claimant(client, "a");
      for (let round = 0; round < 3; round++) {
        const [task] = await client.save(entry("a"));
        const claim = await owner.expectGranted(task);
        assert.equal(claim.attempt, 1);
        await owner.complete(task, claim);
      }
    },

    async "tokens grow with every claim to a task, across releases, saves and completes"({ client, entry }) {
      const owner = new Claimant(client, "a");
      let last = 0n;
      for (let round = 0; round < 9; round++) {
        const [task] = await client.save(entry("a"));
        for (let i = 0; i < 2; i++) {
          const claim = await owner.expectGranted(task);
          assert.ok(claim.token > last, `a token of ${claim.token} came after ${last}`);
          last = claim.token;
          if (round % 2 === 0) await owner.release(claim);
          if (i === 1 && round % 3 === 0) await owner.complete(task, claim);
        }
      }
    },

    async "the states of claims are in the order of the keys"({ client, entry }) {
      const [held, released, free] = await client.save(entry("held"), entry("released"), entry("free"));
      const claim = await new Claimant(client, "a").expectGranted(held);
      const other = await new Claimant(client, "b").expectGranted(released);
      await new Claimant(client, "b").release(other, 1000);
      const states = await claimsOf(client).states([free, released, held, released, { ...free, id: "never" }]);
      assert.deepEqual(
        states.map((state) => state && [state.owner, state.savedAt, state.token, state.attempt]),
        [
          undefined,
          [undefined, released.savedAt, other.token, 1],
          ["a", held.savedAt, claim.token, 1],
          [undefined, released.savedAt, other.token, 1],
          undefined,
        ],
      );
      assert.equal(states[2]?.until, claim.until);
      assert.deepEqual(await claimsOf(client).states([]), []);
    },

    async "a call on claims that was aborted before it began changes nothing, and rejects with ABORTED"({
      client,
      entry,
    }) {
      const [task] = await client.save(entry("a"));
      const options = { signal: AbortSignal.abort() };
      const request = { ...task, owner: "a", lease: LONG_LEASE };
      await expectRejection(() => claimsOf(client).claim(request, options), "ABORTED");
      const claim = await new Claimant(client, "b").expectGranted(task);
      await expectRejection(() => claimsOf(client).renew(claim, 1, options), "ABORTED");
      await expectRejection(() => claimsOf(client).release(claim, 0, options), "ABORTED");
      await expectRejection(() => claimsOf(client).states([task], options), "ABORTED");
      await new Claimant(client, "c").expectRefused(task);
    },

    async "every call on claims after close fails with CLOSED"({ client, entry }) {
      const [task] = await client.save(entry("a"));
      const claim = await new Claimant(client, "a").expectGranted(task);
      await client.adapter.close();
      const request = { ...task, owner: "a", lease: LONG_LEASE };
      await expectRejection(() => claimsOf(client).claim(request), "CLOSED");
      await expectRejection(() => claimsOf(client).renew(claim, LONG_LEASE), "CLOSED");
      await expectRejection(() => claimsOf(client).release(claim, 0), "CLOSED");
      await expectRejection(() => claimsOf(client).states([task]), "CLOSED");
    },
  },
};

/** Checks that exactly one claim was granted, and can be renewed. */
export async function expectOneHolder(
  owners: readonly Claimant[],
  claims: readonly (Granted | undefined)[],
): Promise<void> {
  const granted = claims.flatMap((claim, i) => (claim ? [{ claim, owner: owners[i] as Claimant }] : []));
  assert.equal(granted.length, 1, `${granted.length} of ${owners.length} owners were granted a claim to one task`);
  for (const { owner, claim } of granted) await owner.expectRenewed(claim);
}
