import { setTimeout as sleep } from "node:timers/promises";
import { perform, recover } from "taskledger";
import { perSecond } from "../harness.js";
import { openStore, type Store } from "../sqlite/store.js";
import { buildTasks, type FetchFileTask } from "../tasks.js";
import { type Peer, taskOf } from "./peer.js";

/** Taskledger on SQLite, without a queue. */
export class Ledger implements Peer {
  readonly acknowledges = "on the disk: WAL, synchronous=FULL";
  readonly tasks: Store["tasks"];
  readonly #store: AsyncDisposable;
  readonly #complete: (task: FetchFileTask) => Promise<unknown>;

  /** With claims, each task is claimed before it is completed, as by a worker that calls `perform`. */
  static async open({ claims = false } = {}): Promise<Ledger> {
    const store = await openStore();
    return new Ledger(store, store.tasks, claims);
  }

  private constructor(store: AsyncDisposable, tasks: Store["tasks"], claims: boolean) {
    this.#store = store;
    this.tasks = tasks;
    this.#complete = claims ? (task) => perform(tasks, task, () => {}) : (task) => tasks.complete(task);
  }

  /** Nothing to do: completed tasks are removed. */
  async clear(): Promise<void> {}

  async live(count: number, concurrency: number): Promise<void> {
    await perSecond(count, concurrency, async (index) => {
      const task = taskOf(index);
      await this.tasks.save(task);
      await this.#complete(task);
    });
  }

  async bulk(count: number): Promise<void> {
    const tasks = [...buildTasks("work", count)];
    await this.tasks.saveAll(tasks);
    await this.tasks.completeAll(tasks);
  }

  async loseWorker(lease: number, every: number): Promise<number> {
    const task = taskOf(0);
    await this.tasks.save(task);
    await this.tasks.claim(task, { lease }); // and never renewed
    const start = performance.now();
    await sleep(Math.random() * every);
    const found = new AbortController();
    await recover(this.tasks, "work", () => found.abort(), { olderThan: 0, every, signal: found.signal });
    const end = performance.now();
    await this.tasks.complete(task);
    return end - start;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}
