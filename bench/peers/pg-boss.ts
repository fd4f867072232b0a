import { setTimeout as sleep } from "node:timers/promises";
import PgBoss from "pg-boss";
import { perSecond } from "../harness.js";
import { BATCH, batchesOf, type Peer, payload } from "./peer.js";

const NAME = "work";
const LOST = "lost";

/** How many connections it may use; its default is 10. */
const CONNECTIONS = 32;

/** pg-boss, with explicit calls of `fetch`: its own workers poll at most twice a second, and this delay would be measured. */
export class BossPeer implements Peer {
  readonly acknowledges = "committed: fsync and synchronous_commit on";
  readonly #url: string;
  readonly #boss: PgBoss;

  static async open(url: string): Promise<BossPeer> {
    const boss = start(url, { max: CONNECTIONS });
    await boss.start();
    await boss.createQueue(NAME);
    return new BossPeer(url, boss);
  }

  private constructor(url: string, boss: PgBoss) {
    this.#url = url;
    this.#boss = boss;
  }

  async clear(): Promise<void> {
    await this.#boss.clearStorage();
  }

  async live(count: number, concurrency: number): Promise<void> {
    await perSecond(count, concurrency, async (index) => {
      await this.#boss.send(NAME, payload(index));
      await this.#complete(1);
    });
  }

  async bulk(count: number): Promise<void> {
    for (const batch of batchesOf(count))
      await this.#boss.insert(batch.map((index) => ({ name: NAME, data: payload(index) })));
    for (let left = count; left > 0; ) left -= await this.#complete(Math.min(left, BATCH));
  }

  /** Returns the number of jobs, which may be lower: of two concurrent fetches of the same jobs, one gets none. */
  async #complete(batchSize: number): Promise<number> {
    let jobs = await this.#boss.fetch(NAME, { batchSize });
    while (jobs.length === 0) jobs = await this.#boss.fetch(NAME, { batchSize });
    await this.#boss.complete(
      NAME,
      jobs.map(({ id }) => id),
    );
    return jobs.length;
  }

  async loseWorker(lease: number, every: number): Promise<number> {
    const boss = start(this.#url, { maintenanceIntervalSeconds: Math.ceil(every / 1000) });
    await boss.start();
    await boss.createQueue(LOST);
    await boss.send(LOST, payload(0), { expireInSeconds: Math.ceil(lease / 1000), retryDelay: 0 });
    await sleep(Math.random() * every);
    await boss.fetch(LOST); // and never completed
    const begin = performance.now();
    await new Promise<void>((resolve, reject) => {
      boss.work(LOST, { pollingIntervalSeconds: 0.5 }, async () => resolve()).catch(reject);
    });
    const end = performance.now();
    await boss.stop();
    return end - begin;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#boss.stop({ graceful: false });
  }
}

function start(connectionString: string, options: PgBoss.ConstructorOptions): PgBoss {
  const boss = new PgBoss({ ...options, connectionString });
  boss.on("error", () => {}); // such as that the server has been stopped
  return boss;
}
