import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type Job, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { perSecond } from "../harness.js";
import { batchesOf, type Peer, payload } from "./peer.js";

const NAME = "work";

/** A higher concurrency makes it no faster. */
const BULK_CONCURRENCY = 256;

/** BullMQ as its documentation shows it: a queue and a worker, in one process. */
export class BullPeer implements Peer {
  readonly acknowledges = "in the file that Redis appends to, flushed: appendfsync always";
  readonly #connection: { readonly host: string; readonly port: number };
  readonly #queue: Queue;
  readonly #redis: Redis;

  constructor(port: number) {
    this.#connection = { host: "127.0.0.1", port };
    this.#queue = new Queue(NAME, { connection: this.#connection });
    this.#redis = new Redis(port, "127.0.0.1");
  }

  async clear(): Promise<void> {
    await this.#redis.flushall();
  }

  async live(count: number, concurrency: number): Promise<void> {
    const completed = new Map<string, () => void>();
    const worker = await this.#startWorker(concurrency, ({ name }) => completed.get(name)?.());
    await perSecond(count, concurrency, async (index) => {
      const name = String(index);
      const done = new Promise<void>((resolve) => completed.set(name, resolve));
      await this.#queue.add(name, payload(index), { removeOnComplete: true });
      await done;
      completed.delete(name);
    });
    await worker.close();
  }

  async bulk(count: number): Promise<void> {
    for (const batch of batchesOf(count))
      await this.#queue.addBulk(
        batch.map((index) => ({ name: String(index), data: payload(index), opts: { removeOnComplete: true } })),
      );
    let left = count;
    const done = new EventEmitter();
    const all = once(done, "all");
    const worker = await this.#startWorker(BULK_CONCURRENCY, () => --left === 0 && done.emit("all"));
    await all;
    await worker.close();
  }

  async loseWorker(lease: number, every: number): Promise<number> {
    const options = { connection: this.#connection, lockDuration: lease, stalledInterval: every };
    await this.#queue.add("lost", payload(0));
    const dead = new Worker(NAME, null, options);
    await dead.getNextJob("dead"); // nobody renews its lock
    const start = performance.now();
    await sleep(Math.random() * every);
    const worker = new Worker(NAME, async () => {}, options);
    await once(worker, "active");
    const end = performance.now();
    await Promise.all([dead.close(), worker.close()]);
    return end - start;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.close();
    this.#redis.disconnect();
  }

  async #startWorker(concurrency: number, onCompleted: (job: Job) => unknown): Promise<Worker> {
    const worker = new Worker(NAME, async () => {}, { connection: this.#connection, concurrency });
    worker.on("completed", onCompleted);
    await worker.waitUntilReady();
    return worker;
  }
}
