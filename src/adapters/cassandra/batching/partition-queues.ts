import type { InFlight } from "../in-flight.js";
import { type Partition, partitionName } from "../model/partition.js";
import type { Runtime } from "../runtime.js";

export interface QueueOptions<T> {
  /** How many batches of one partition may be in flight. */
  readonly concurrency: number;
  /** After so many milliseconds a batch counts no more: it may hang, and must not hold up others. Infinity for never. */
  readonly patience: number;
  /** Takes the next batch out of a queue that is not empty. */
  readonly take: (queue: T[]) => T[];
  /** Does what a batch asks for; does not reject. */
  readonly send: (partition: Partition, batch: T[]) => Promise<void>;
}

interface Queue<T> {
  readonly partition: Partition;
  readonly name: string;
  readonly waiting: T[];
  inFlight: number;
}

/** A queue for each partition: what arrives while as many batches as may be are in flight leaves together in the next. */
export class PartitionQueues<T> {
  readonly #options: QueueOptions<T>;
  readonly #runtime: Runtime;
  readonly #inFlight: InFlight;
  readonly #queues = new Map<string, Queue<T>>();

  constructor(options: QueueOptions<T>, runtime: Runtime, inFlight: InFlight) {
    this.#options = options;
    this.#runtime = runtime;
    this.#inFlight = inFlight;
  }

  add(partition: Partition, item: T): void {
    const name = partitionName(partition);
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = { partition, name, waiting: [], inFlight: 0 };
      this.#queues.set(name, queue);
    }
    queue.waiting.push(item);
    this.#start(queue);
  }

  #start(queue: Queue<T>): void {
    if (queue.inFlight >= this.#options.concurrency) return;
    queue.inFlight++;
    this.#inFlight.run(() => this.#sendAll(queue));
  }

  /** Sends batches until none waits, or one has taken too long, and its place has been given to another. */
  async #sendAll(queue: Queue<T>): Promise<void> {
    const { patience, take, send } = this.#options;
    await afterMicrotasks(); // what is added in the same turn leaves together
    while (queue.waiting.length > 0) {
      let isSlow = false;
      const giveUp = () => {
        isSlow = true;
        this.#leave(queue);
      };
      const cancel = patience < Infinity ? this.#runtime.later(patience, giveUp) : undefined;
      await send(queue.partition, take(queue.waiting));
      if (isSlow) return;
      cancel?.();
      // Those who were just answered add what they do next. A lone partition goes on at once: the servers would have
      // nothing to do meanwhile.
      if (queue.waiting.length > 0 && this.#queues.size > 1) await afterMicrotasks();
    }
    this.#leave(queue);
  }

  #leave(queue: Queue<T>): void {
    queue.inFlight--;
    if (queue.waiting.length > 0) this.#start(queue);
    else if (queue.inFlight === 0) this.#queues.delete(queue.name);
  }
}

/** Two callers of one partition would otherwise each wait for the other's batch of one, for good. */
function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
