import type { InFlight } from "../in-flight.js";
import { type Partition, partitionName } from "../model/partition.js";

/** Takes the next batch out of a queue that is not empty, and sends it; must not reject. */
export type SendNext<T> = (partition: Partition, queue: T[]) => Promise<void>;

interface Queue<T> {
  readonly partition: Partition;
  readonly waiting: T[];
  inFlight: number;
}

/** A queue for each partition: what arrives while the maximum number of batches is in flight is sent together in the next. */
export class PartitionQueues<T> {
  readonly #concurrency: number;
  readonly #sendNext: SendNext<T>;
  readonly #inFlight: InFlight;
  readonly #queues = new Map<string, Queue<T>>();

  /** `concurrency` is the maximum number of batches in flight per partition. */
  constructor(concurrency: number, sendNext: SendNext<T>, inFlight: InFlight) {
    this.#concurrency = concurrency;
    this.#sendNext = sendNext;
    this.#inFlight = inFlight;
  }

  add(partition: Partition, item: T): void {
    const name = partitionName(partition);
    const queue = this.#queues.get(name) ?? { partition, waiting: [], inFlight: 0 };
    this.#queues.set(name, queue);
    queue.waiting.push(item);
    if (queue.inFlight < this.#concurrency) this.#inFlight.run(() => this.#sendAll(name, queue));
  }

  async #sendAll(name: string, queue: Queue<T>): Promise<void> {
    queue.inFlight++;
    await afterMicrotasks(); // what is added in the same turn is sent together
    while (queue.waiting.length > 0) {
      await this.#sendNext(queue.partition, queue.waiting);
      // Callers that were just answered may add more. A single partition continues at once: otherwise the servers would be
      // idle meanwhile.
      if (queue.waiting.length > 0 && this.#queues.size > 1) await afterMicrotasks();
    }
    if (--queue.inFlight === 0) this.#queues.delete(name);
  }
}

/** Otherwise two callers of one partition would forever alternate in batches of one. */
function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
