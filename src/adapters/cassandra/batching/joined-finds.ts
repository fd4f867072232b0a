import type { StoredTask } from "../../../adapter/adapter.js";
import { untilAborted } from "../../../core/abort.js";
import { TaskError } from "../../../core/errors.js";
import type { InFlight } from "../in-flight.js";
import type { Partition } from "../model/partition.js";
import type { LedgerSession } from "../model/session.js";
import { type RetryPolicy, retryCall } from "../retry.js";
import type { Runtime } from "../runtime.js";
import { PartitionQueues } from "./partition-queues.js";

/** Maximum number of ids in one query. */
const IDS_PER_FIND = 32;

/** Maximum number of queries in flight per partition, and how long each is counted, in milliseconds: it may hang. */
const CONCURRENCY = 2;
const PATIENCE = 20;

interface PendingFind {
  readonly id: string;
  /** Its deadline, in milliseconds on the monotonic clock. */
  readonly end: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (found: StoredTask | undefined) => void;
  readonly reject: (error: unknown) => void;
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
    this.#queues = new PartitionQueues(CONCURRENCY, (...next) => this.#sendNext(...next), inFlight);
  }

  /** The task, with bytes of the caller's own; undefined if it is not open. Throws a TaskError. */
  find(partition: Partition, id: string, signal?: AbortSignal): Promise<StoredTask | undefined> {
    const end = this.#runtime.monotonic() + this.#policy.deadline;
    const found = new Promise<StoredTask | undefined>((resolve, reject) => {
      this.#queues.add(partition, { id, end, signal, resolve, reject });
    });
    return untilAborted(found, signal);
  }

  /** Resolves when the query has ended, or hangs. */
  #sendNext(partition: Partition, queue: PendingFind[]): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#runtime.later(PATIENCE, resolve);
      this.#send(partition, queue.splice(0, IDS_PER_FIND).filter(isAwaited)).then(() => {
        cancel();
        resolve();
      });
    });
  }

  async #send(partition: Partition, finds: readonly PendingFind[]): Promise<void> {
    const [first] = finds;
    if (first === undefined) return;
    const policy = { ...this.#policy, deadline: Math.max(1, first.end - this.#runtime.monotonic()) };
    const ids = [...new Set(finds.map(({ id }) => id))];
    const read = async (timeout: number) => {
      if (!finds.some(isAwaited)) throw new TaskError("ABORTED", "no caller waits for it any more");
      return this.#session.readTasks(partition, ids, timeout);
    };
    try {
      answer(finds, await retryCall(this.#runtime, policy, undefined, read, { taskList: partition.taskList }));
    } catch (error) {
      for (const { reject } of finds) reject(error);
    }
  }
}

function isAwaited({ signal }: PendingFind): boolean {
  return !signal?.aborted;
}

/** Gives each caller the bytes of its task; callers of the same task get copies of their own. */
function answer(finds: readonly PendingFind[], rows: readonly StoredTask[]): void {
  const found = new Map(rows.map((stored) => [stored.id, stored]));
  const given = new Set<string>();
  for (const { id, resolve } of finds) {
    const stored = found.get(id);
    resolve(stored && (given.has(id) ? { ...stored, body: Uint8Array.from(stored.body) } : stored));
    given.add(id);
  }
}
