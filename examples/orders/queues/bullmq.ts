import { Queue as Jobs, Worker } from "bullmq";
import { aborted, type ConsumeOptions, type Message, type Queue } from "./queue.js";

const NAME = "tasks";

/** BullMQ on Redis: see docs/queues-bullmq.md. */
export class BullQueue implements Queue {
  readonly #connection: { readonly host: string; readonly port: number };
  readonly #jobs: Jobs;

  constructor(port: number) {
    this.#connection = { host: "127.0.0.1", port };
    this.#jobs = new Jobs(NAME, { connection: this.#connection });
    this.#jobs.on("error", () => {}); // calls reject with the error, too
  }

  async send(messages: readonly Message[]): Promise<void> {
    await this.#jobs.addBulk(
      messages.map(({ key, body }) => ({
        name: "task",
        data: { task: Buffer.from(body).toString("base64") },
        opts: { deduplication: { id: key }, removeOnComplete: true, removeOnFail: true },
      })),
    );
  }

  async consume(handle: (body: Uint8Array) => Promise<void>, options: ConsumeOptions): Promise<void> {
    const { concurrency, signal } = options;
    const worker = new Worker(NAME, ({ data }) => handle(Buffer.from(data.task, "base64")), {
      connection: this.#connection,
      concurrency,
    });
    worker.on("error", () => {}); // it reconnects automatically
    await aborted(signal);
    await worker.close();
  }

  async close(): Promise<void> {
    await this.#jobs.close();
  }
}
