import type { InFlight } from "../in-flight.js";
import { type Partition, partitionName } from "../model/partition.js";
import type { Runtime } from "../runtime.js";

export interface QueueOptions<T> {
  /** How many batches of one partition may be in flight. */
  readonly concurrency: number;
  /** Time after which a batch is no longer counted, in milliseconds: it may hang, and must not block others. Infinity for never. */
  readonly patience: number;
  /** Takes the next batch out of a queue that is not empty. */
  readonly take: (queue: T[]) => T[];
  /** Performs a batch; must not reject. */
  readonly send: (partition: Partition, batch: T[]) => Promise<void>;
}

interface Queue<T> {
  readonly partition: Partition;
  readonly name: string;
  readonly waiting: T[];
  inFlight: number;
}

/** A queue for each partition: what arrives while the maximum number of batches is in flight is sent together in the next. */
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

  /** Sends batches until none waits, or one has taken too long and has been replaced. */
  async #sendAll(queue: Queue<T>): Promise<void> {
    const { patience, take, send } = this.#options;
    await afterMicrotasks(); // what is added in the same turn is sent together
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
      // Callers that were just answered may add more. A single partition continues at once: otherwise the servers would be
      // idle meanwhile.
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

/** Otherwise two callers of one partition would forever alternate in batches of one. */
function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
