import assert from "node:assert/strict";
import type { SaveEntry, Version } from "../../adapter/adapter.js";
import { expectStored, expectTasks, type KnownTask } from "../checks.js";
import type { Client } from "../client.js";
import { newTaskList, sampleBytes, taskEntry } from "../entries.js";
import { Random } from "../random.js";
import type { CaseGroup } from "../scenario.js";

const STEPS = 150;

export const randomHistories: CaseGroup = {
  group: "random histories",
  cases: {
    async "an adapter does what a simple model does, whatever is called"({ client, options }) {
      for (const seed of options.seeds) await new History(client, seed).run();
    },
  },
};

/** A sequence of calls that a seed determines, made to an adapter and to a simple model of a store. */
class History {
  readonly #client: Client;
  readonly #seed: number;
  readonly #random: Random;
  readonly #lists = [newTaskList(), newTaskList()];
  /** The open tasks, oldest first. */
  #open: KnownTask[] = [];
  /** Every version that was ever saved: calls may also give older ones. */
  readonly #known: KnownTask[] = [];
  readonly #steps: string[] = [];

  constructor(client: Client, seed: number) {
    this.#client = client;
    this.#seed = seed;
    this.#random = new Random(seed);
  }

  async run(): Promise<void> {
    const steps = [
      () => this.#save(),
      () => this.#save(),
      () => this.#complete(),
      () => this.#find(),
      () => this.#list(),
    ];
    try {
      for (let i = 0; i < STEPS; i++) await this.#random.pick(steps)();
      for (const taskList of this.#lists) expectTasks(await this.#client.list(taskList), this.#openIn(taskList));
    } catch (cause) {
      const last = this.#steps.slice(-12).join("; ");
      const message = `with seed ${this.#seed}, at step ${this.#steps.length}: ${(cause as Error).message} (after: ${last})`;
      throw new assert.AssertionError({ message, stackStartFn: this.run });
    }
  }

  async #save(): Promise<void> {
    const entries = this.#some(4, () => this.#randomEntry());
    this.#note("save", entries);
    for (const task of await this.#client.save(...entries)) {
      const latest = this.#known.at(-1)?.savedAt ?? 0n;
      assert.ok(task.savedAt > latest, `a version of ${task.savedAt} was given after one of ${latest}`);
      this.#open = [...this.#open.filter((other) => !isSameTask(other, task)), task];
      this.#known.push(task);
    }
  }

  async #complete(): Promise<void> {
    if (this.#known.length === 0) return;
    const entries = this.#some(4, () => this.#random.pick(this.#known));
    this.#note("complete", entries);
    await this.#client.complete(...entries);
    const isCompleted = (task: KnownTask) =>
      entries.some((entry) => isSameTask(entry, task) && entry.savedAt >= task.savedAt);
    this.#open = this.#open.filter((task) => !isCompleted(task));
  }

  async #find(): Promise<void> {
    const keys = this.#some(5, () => this.#randomKey());
    this.#note("find", keys);
    const found = await this.#client.find(...keys);
    for (const [i, key] of keys.entries()) {
      const task = this.#open.find((other) => isSameTask(other, key));
      if (task) expectStored(found[i], task);
      else assert.equal(found[i], undefined, `${key.id} was found, which is not open`);
    }
  }

  async #list(): Promise<void> {
    const taskList = this.#random.pick(this.#lists);
    const savedBefore = this.#random.below(3) ? undefined : this.#randomVersion();
    const limits = { pageSize: 1 + this.#random.below(5), maxPageBytes: 1 + this.#random.below(2000) };
    this.#note(`list with pages of ${limits.pageSize} and before ${savedBefore}`, []);
    const listing = this.#client.listing(taskList, { ...limits, savedBefore });
    const isLeftEarly = this.#random.below(4) === 0;
    const expected = this.#openIn(taskList).filter(({ savedAt }) => savedBefore === undefined || savedAt < savedBefore);
    if (!isLeftEarly) return expectTasks(await listing.rest(), expected);
    const first = (await listing.next()) ?? [];
    await listing.leave();
    expectTasks(first, expected.slice(0, first.length));
  }

  #openIn(taskList: string): KnownTask[] {
    return this.#open.filter((task) => task.taskList === taskList);
  }

  #some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.#random.below(most) }, make);
  }

  #randomKey(): { taskList: string; id: string } {
    return { taskList: this.#random.pick(this.#lists), id: this.#random.pick(["d", "b", "a", "c"]) };
  }

  /** Saved blindly, by the holder of the current version, or by that of an older one. */
  #randomEntry(): SaveEntry {
    const { taskList, id } = this.#randomKey();
    const held = this.#known.filter((task) => isSameTask(task, { taskList, id })).map(({ savedAt }) => savedAt);
    const replaces = held.length && this.#random.below(3) ? [this.#random.pick(held)] : [];
    return taskEntry(taskList, id, { replaces, data: sampleBytes(this.#random.below(600)) });
  }

  #randomVersion(): Version {
    return (this.#known.length ? this.#random.pick(this.#known).savedAt : 1n) + BigInt(this.#random.below(2));
  }

  #note(call: string, on: readonly { readonly id: string }[]): void {
    this.#steps.push([call, ...on.map(({ id }) => id)].join(" "));
  }
}

function isSameTask(a: { taskList: string; id: string }, b: { taskList: string; id: string }): boolean {
  return a.taskList === b.taskList && a.id === b.id;
}
