import assert from "node:assert/strict";
import type { Version } from "../../adapter/adapter.js";
import { describeTask, expectStored, inOrder, type KnownTask, knownTask } from "../checks.js";
import type { Client } from "../client.js";
import { newTaskList, taskEntry } from "../entries.js";
import { Random } from "../random.js";
import type { CaseGroup } from "../scenario.js";

const CALLERS = 8;
const CALLS = 30;
const IDS = ["a", "b", "c", "d", "e"];

export const randomCalls: CaseGroup = {
  group: "random concurrent calls",
  cases: {
    async "after random concurrent calls, the versions decide which tasks are open"({ client, another, options }) {
      const clients = options.persistent ? [client, await another()] : [client];
      for (const seed of options.seeds) {
        const crowd = new Crowd(clients, seed);
        await crowd.run();
      }
    },
  },
};

/** What is known of one task without asking the store. */
interface Knowledge {
  /** The saves that were acknowledged. */
  readonly saved: KnownTask[];
  /** The latest version of which a complete has begun, and of which one was acknowledged. */
  completing: Version;
  completed: Version;
}

/** Callers that save, complete and find a few tasks, all at once. */
class Crowd {
  readonly #clients: readonly Client[];
  readonly #random: Random;
  readonly #list = newTaskList();
  readonly #tasks = new Map(IDS.map((id): [string, Knowledge] => [id, { saved: [], completing: 0n, completed: 0n }]));

  constructor(clients: readonly Client[], seed: number) {
    this.#clients = clients;
    this.#random = new Random(seed);
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: CALLERS }, () => this.#callOften()));
    const open = [...this.#tasks.values()].flatMap((task) => {
      const last = latest(task);
      return last && last.savedAt > task.completed ? [last] : [];
    });
    const gone = IDS.filter((id) => !open.some((task) => task.id === id)).map((id) => ({ taskList: this.#list, id }));
    for (const client of this.#clients) {
      await client.expectOpen(this.#list, inOrder(open));
      await client.expectNotFound(...gone);
    }
  }

  async #callOften(): Promise<void> {
    for (let i = 0; i < CALLS; i++) {
      const client = this.#random.pick(this.#clients);
      const [id, task] = this.#random.pick([...this.#tasks]);
      const version = task.saved.length > 0 ? this.#random.pick(task.saved) : undefined;
      const dice = this.#random.below(4);
      if (dice < 2) task.saved.push(...(await client.save(taskEntry(this.#list, id))));
      else if (dice === 2) await this.#find(client, id, task);
      else if (version) await this.#complete(client, version, task);
    }
  }

  async #complete(client: Client, version: KnownTask, task: Knowledge): Promise<void> {
    if (version.savedAt > task.completing) task.completing = version.savedAt;
    await client.complete(version);
    if (version.savedAt > task.completed) task.completed = version.savedAt;
  }

  /** Checks that a find shows at least what was acknowledged before it. */
  async #find(client: Client, id: string, task: Knowledge): Promise<void> {
    const { completed } = task;
    const last = latest(task);
    const [stored] = await client.find({ taskList: this.#list, id });
    if (stored === undefined) {
      const isOpen = last && last.savedAt > task.completing;
      assert.ok(!isOpen, `${last && describeTask(last)} was acknowledged, but not found`);
      return;
    }
    const found = knownTask(this.#list, stored);
    assert.ok(found.savedAt > completed, `${describeTask(found)} was found after its complete`);
    if (last)
      assert.ok(found.savedAt >= last.savedAt, `${describeTask(found)} was found after a save of ${last.savedAt}`);
    const same = task.saved.find(({ savedAt }) => savedAt === found.savedAt);
    if (same) expectStored(found, same);
  }
}

function latest({ saved }: Knowledge): KnownTask | undefined {
  return inOrder(saved).at(-1);
}
