import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Claimant } from "../claimant.js";
import type { CaseGroup } from "../scenario.js";

/** In milliseconds. A case that is delayed by that much skips the checks that depend on the time. */
const LEASE = 400;
const MOMENT = 50;

export const claimEnds: CaseGroup = {
  group: "the end of claims",
  needs: "claims",
  cases: {
    async "a claim ends with its lease, and not before"({ client, entry, options }) {
      const [task] = await client.save(entry("a"));
      const [a, b] = [new Claimant(client, "a"), new Claimant(client, "b")];
      const asked = Date.now();
      const first = await a.expectGranted(task, LEASE);
      const granted = Date.now();
      await sleep(LEASE / 2);
      if (Date.now() < asked + LEASE - MOMENT) await b.expectRefused(task);
      await sleep(granted + LEASE + options.claimTolerance + MOMENT - Date.now());
      const second = await b.expectGranted(task);
      assert.deepEqual([second.attempt, second.token > first.token], [2, true]);
      await a.expectLost(first);
    },

    async "a renewed claim lasts for its new lease, from the renewal"({ client, entry, options }) {
      const [task] = await client.save(entry("a"));
      const [a, b] = [new Claimant(client, "a"), new Claimant(client, "b")];
      const claim = await a.expectGranted(task, LEASE);
      await sleep(LEASE / 2);
      const lease = 2 * LEASE + options.claimTolerance;
      const asked = Date.now();
      const until = await a.expectRenewed(claim, lease);
      const renewed = Date.now();
      assert.ok(
        until >= asked + lease - 100 && until <= renewed + lease + 100,
        "renew returned another end of the lease than was asked for",
      );
      await sleep(asked + lease - LEASE / 2 - Date.now());
      if (Date.now() < asked + lease - MOMENT) await b.expectRefused(task);
      await sleep(renewed + lease + options.claimTolerance + MOMENT - Date.now());
      await b.expectGranted(task);
    },

    async "a renewal never shortens a lease: it may arrive late"({ client, entry, options }) {
      const [task] = await client.save(entry("a"));
      const [a, b] = [new Claimant(client, "a"), new Claimant(client, "b")];
      const claim = await a.expectGranted(task);
      assert.ok((await a.expectRenewed(claim, 10)) >= claim.until, "a renewal has shortened a lease");
      await sleep(10 + options.claimTolerance + MOMENT);
      await b.expectRefused(task);
    },

    async "an expired lease can be renewed as long as nobody else has claimed the task"({ client, entry }) {
      const [task] = await client.save(entry("a"));
      const a = new Claimant(client, "a");
      const claim = await a.expectGranted(task, 10);
      await sleep(MOMENT);
      await a.expectRenewed(claim);
      await new Claimant(client, "b").expectRefused(task);
    },

    async "of a renewal and another owner's claim at the end of a lease, exactly one succeeds"({
      client,
      entries,
      options,
    }) {
      const [a, b] = [new Claimant(client, "a"), new Claimant(client, "b")];
      const tasks = await client.save(...entries(20));
      const claims = await Promise.all(tasks.map((task) => a.expectGranted(task, 10)));
      await sleep(10 + options.claimTolerance + MOMENT);
      await Promise.all(
        claims.map(async (claim, i) => {
          const renew = () => a.renew(claim);
          const other = () => b.claim(claim);
          const [renewed, granted] = await Promise.all(
            i % 2 ? [renew(), other()] : [other().then(() => renew()), undefined],
          );
          if (i % 2)
            assert.ok((renewed === undefined) !== (granted === undefined), "both owners have the task, or neither");
          else assert.equal(renewed, undefined, "a claim was renewed after another owner had taken it over");
        }),
      );
    },

    async "a released claim can't be renewed, and others can claim the task at once"({ client, entry }) {
      const [task] = await client.save(entry("a"));
      const [a, b] = [new Claimant(client, "a"), new Claimant(client, "b")];
      const claim = await a.expectGranted(task);
      await a.release(claim);
      await a.expectLost(claim);
      await b.expectGranted(task);
      await a.expectLost(claim);
    },

    async "a task that was released with a delay can't be claimed earlier, by anybody"({ client, entry }) {
      const [task] = await client.save(entry("a"));
      const [a, b] = [new Claimant(client, "a"), new Claimant(client, "b")];
      const claim = await a.expectGranted(task);
      const before = Date.now();
      await a.release(claim, LEASE);
      const after = Date.now();
      for (const owner of [a, b]) if (Date.now() < before + LEASE - 100) await owner.expectRefused(task);
      await sleep(after + LEASE + MOMENT - Date.now());
      assert.equal((await b.expectGranted(task)).attempt, 2);
    },

    async "the delay after a release does not apply to a later version"({ client, entry }) {
      const [first] = await client.save(entry("a"));
      const a = new Claimant(client, "a");
      await a.release(await a.expectGranted(first), 600_000);
      const [second] = await client.save(entry("a"));
      await a.expectGranted(second);
    },

    async "a claim that another owner took over can be neither renewed nor released"({ client, entry }) {
      const [task] = await client.save(entry("a"));
      const [a, b, c] = ["a", "b", "c"].map((name) => new Claimant(client, name)) as [Claimant, Claimant, Claimant];
      const old = await a.expectGranted(task);
      await a.release(old);
      const claim = await b.expectGranted(task);
      await a.expectLost(old);
      await a.release(old);
      await c.expectRefused(task);
      await b.expectRenewed(claim);
    },

    async "a claim to an earlier version does not affect a claim to a later one"({ client, entry }) {
      const [first] = await client.save(entry("a"));
      const [a, b] = [new Claimant(client, "a"), new Claimant(client, "b")];
      const old = await a.expectGranted(first);
      const [second] = await client.save(entry("a"));
      const claim = await b.expectGranted(second);
      await a.expectLost(old);
      await a.release(old);
      await new Claimant(client, "c").expectRefused(second);
      await b.expectRenewed(claim);
    },
  },
};
