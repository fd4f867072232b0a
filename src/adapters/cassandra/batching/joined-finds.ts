import type { StoredTask } from "../../../adapter/adapter.js";
import { abortedError, onAbort } from "../../../core/abort.js";
import { TaskError } from "../../../core/errors.js";
import type { InFlight } from "../in-flight.js";
import type { Partition } from "../model/partition.js";
import type { LedgerSession } from "../model/session.js";
import { type RetryPolicy, retryRead } from "../retry.js";
import type { Runtime } from "../runtime.js";
import { Deferred } from "./deferred.js";
import { PartitionQueues } from "./partition-queues.js";

/** Maximum number of ids in one query. */
const IDS_PER_FIND = 32;

/** Maximum number of queries in flight per partition, and how long each is counted, in milliseconds. */
const CONCURRENCY = 2;
const PATIENCE = 20;

class PendingFind extends Deferred<StoredTask | undefined> {
  readonly id: string;
  /** Its deadline, in milliseconds on the monotonic clock. */
  readonly end: number;

  constructor(id: string, end: number) {
    super();
    this.id = id;
    this.end = end;
  }
}

/**
 * Finds tasks of partitions: ids that are requested while queries of their partition are in flight are sent together
 * in the next, which costs little more than a query for one. A query begins after all calls that it answers.
 */
export class JoinedFinds {
  readonly #session: LedgerSession;
  readonly #runtime: Runtime;
  readonly #policy: RetryPolicy;
  readonly #queues: PartitionQueues<PendingFind>;

  constructor(session: LedgerSession, runtime: Runtime, policy: RetryPolicy, inFlight: InFlight) {
    this.#session = session;
    this.#runtime = runtime;
    this.#policy = policy;
    const queueOptions = {
      concurrency: CONCURRENCY,
      patience: PATIENCE,
      take: (queue: PendingFind[]) => queue.splice(0, IDS_PER_FIND),
      send: (partition: Partition, finds: PendingFind[]) => this.#send(partition, finds),
    };
    this.#queues = new PartitionQueues(queueOptions, runtime, inFlight);
  }

  /** The task, with bytes of the caller's own; undefined if it is not open. Throws a TaskError. */
  find(partition: Partition, id: string, signal?: AbortSignal): Promise<StoredTask | undefined> {
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    const find = new PendingFind(id, this.#runtime.monotonic() + this.#policy.deadline);
    if (signal) find.cleanUp = onAbort(signal, () => find.reject(abortedError(signal)));
    this.#queues.add(partition, find);
    return find.promise;
  }

  async #send(partition: Partition, finds: readonly PendingFind[]): Promise<void> {
    const waiting = finds.filter(({ settled }) => !settled);
    const [first] = waiting;
    if (first === undefined) return;
    const policy = { ...this.#policy, deadline: Math.max(1, first.end - this.#runtime.monotonic()) };
    const ids = [...new Set(waiting.map(({ id }) => id))];
    try {
      const read = (timeout: number) => {
        if (waiting.every(({ settled }) => settled)) throw new TaskError("ABORTED", "no caller waits for it any more");
        return this.#session.readTasks(partition, ids, timeout);
      };
      const { taskList } = partition;
      answer(waiting, await retryRead(this.#runtime, policy, undefined, read, { taskList }));
    } catch (error) {
      for (const find of waiting) find.reject(error);
    }
  }
}

/** Gives each caller the bytes of its task; callers of the same task get copies of their own. */
function answer(finds: readonly PendingFind[], rows: readonly StoredTask[]): void {
  const found = new Map(rows.map((stored) => [stored.id, stored]));
  const given = new Set<string>();
  for (const find of finds) {
    if (find.settled) continue;
    const stored = found.get(find.id);
    find.resolve(stored && (given.has(find.id) ? { ...stored, body: Uint8Array.from(stored.body) } : stored));
    given.add(find.id);
  }
}
