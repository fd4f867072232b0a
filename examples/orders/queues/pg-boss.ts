import PgBoss from "pg-boss";
import { aborted, type ConsumeOptions, type Message, type Queue } from "./queue.js";

const NAME = "tasks";

/** pg-boss on PostgreSQL: see docs/queues-pg-boss.md. */
export class BossQueue implements Queue {
  readonly #boss: PgBoss;

  static async open(url: string): Promise<BossQueue> {
    const boss = new PgBoss(url);
    boss.on("error", () => {}); // without it, the process would end
    await boss.start();
    return new BossQueue(boss);
  }

  /** Creates the queue; for one process at a time, since two that create it wait for each other. */
  static async create(boss: PgBoss): Promise<void> {
    await boss.createQueue(NAME, { name: NAME, policy: "short", retryLimit: 0 });
  }

  private constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  async send(messages: readonly Message[]): Promise<void> {
    const jobs = messages.map(({ key, body }) => ({
      name: NAME,
      data: { task: Buffer.from(body).toString("base64") },
      singletonKey: key,
    }));
    await this.#boss.insert(jobs);
  }

  async consume(handle: (body: Uint8Array) => Promise<void>, { concurrency, signal }: ConsumeOptions): Promise<void> {
    const options = { batchSize: concurrency, pollingIntervalSeconds: 0.5 };
    await this.#boss.work<{ task: string }>(NAME, options, async (jobs) => {
      // A job that fails would fail its whole batch; the ledger knows which tasks are open.
      await Promise.allSettled(jobs.map(({ data }) => handle(Buffer.from(data.task, "base64"))));
    });
    await aborted(signal);
    await this.#boss.offWork(NAME);
  }

  async close(): Promise<void> {
    await this.#boss.stop();
  }
}
