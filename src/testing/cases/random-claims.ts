import assert from "node:assert/strict";
import type { CompleteEntry } from "../../adapter/adapter.js";
import { Claimant, type Granted } from "../claimant.js";
import type { Client } from "../client.js";
import { newTaskList, taskEntry } from "../entries.js";
import { Random } from "../random.js";
import type { CaseGroup } from "../scenario.js";

const STEPS = 60;

export const randomClaims: CaseGroup = {
  group: "random claims",
  needs: "claims",
  cases: {
    async "whatever is claimed, renewed, released, saved and completed, one owner at a time has the task"({
      client,
      another,
      options,
    }) {
      const clients = options.persistent ? [client, await another()] : [client];
      for (const seed of options.seeds) await new ClaimHistory(clients, seed).run();
    },
  },
};

/** Owners who make random calls on one task, one after the other; checks each result. */
class ClaimHistory {
  readonly #client: Client;
  readonly #owners: readonly Claimant[];
  readonly #random: Random;
  readonly #seed: number;
  readonly #list = newTaskList();
  #task: CompleteEntry | undefined;
  #held: { readonly claim: Granted; readonly by: Claimant } | undefined;
  readonly #lost: { readonly claim: Granted; readonly by: Claimant }[] = [];
  #attempt = 0;
  #token = 0n;

  constructor(clients: readonly Client[], seed: number) {
    this.#client = clients[0] as Client;
    this.#owners = ["a", "b", "c"].map((name, i) => new Claimant(clients[i % clients.length] as Client, name));
    this.#random = new Random(seed);
    this.#seed = seed;
  }

  async run(): Promise<void> {
    const steps = [this.#claim, this.#claim, this.#claim, this.#renew, this.#renewLost, this.#release];
    const all = [...steps, this.#releaseLost, this.#save, this.#complete];
    for (let i = 0; i < STEPS; i++) {
      const step = this.#task ? this.#random.pick(all) : this.#save;
      try {
        await step.call(this);
      } catch (error) {
        throw new Error(`seed ${this.#seed}, step ${i}: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  async #claim(): Promise<void> {
    const owner = this.#random.pick(this.#owners);
    const task = this.#task as CompleteEntry;
    if (this.#held && this.#held.by !== owner) return owner.expectRefused(task);
    this.#lose();
    const claim = await owner.expectGranted(task);
    assert.equal(claim.attempt, ++this.#attempt, "attempts count the claims");
    assert.ok(claim.token > this.#token, "tokens grow");
    this.#token = claim.token;
    this.#held = { claim, by: owner };
  }

  async #renew(): Promise<void> {
    if (this.#held) await this.#held.by.expectRenewed(this.#held.claim);
  }

  async #renewLost(): Promise<void> {
    const lost = this.#lost.at(-1);
    if (lost) await lost.by.expectLost(lost.claim);
  }

  async #release(): Promise<void> {
    if (this.#held) await this.#held.by.release(this.#held.claim);
    this.#lose();
  }

  async #releaseLost(): Promise<void> {
    const lost = this.#lost.at(-1);
    if (lost) await lost.by.release(lost.claim);
  }

  /** Nobody has a claim to the new version. A claim to the old one is lost when the new one is claimed. */
  async #save(): Promise<void> {
    [this.#task] = await this.#client.save(taskEntry(this.#list, "task"));
    this.#held = undefined;
  }

  async #complete(): Promise<void> {
    const task = this.#task as CompleteEntry;
    if (!this.#held) return;
    await this.#held.by.complete(task, this.#held.claim);
    this.#lose();
    this.#task = undefined;
    this.#attempt = 0;
  }

  #lose(): void {
    if (this.#held) this.#lost.push(this.#held);
    this.#held = undefined;
  }
}
