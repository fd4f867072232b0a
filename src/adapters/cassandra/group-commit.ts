import { abortedError, onAbort } from "../../core/abort.js";
import type { TaskError } from "../../core/errors.js";
import { CallsUnderWay } from "./calls-under-way.js";
import { ExpiryTimer } from "./expiry-timer.js";
import type { Host } from "./host.js";
import { mutationsOf, Operation, takePrepared } from "./operation.js";
import { attemptTimeout, backOff, isRetried, type RetryPolicy, toTaskError } from "./retry.js";
import { type LedgerSession, type Mutation, SessionError } from "./session.js";
import { type Partition, partitionName } from "./shard.js";

/** How much leaves in one batch. */
export interface BatchLimits {
  /** The most operations that leave in one batch. */
  readonly maxOperations: number;
  /** The most bytes of envelopes that leave in one batch; a larger one leaves alone. */
  readonly maxBytes: number;
}

/** Fewer operations leave as they are: what they would gain, those that are left behind would lose. */
const PREPARED_FROM = 8;

export type GroupCommitOptions = RetryPolicy & BatchLimits;

/** What waits for one partition, and the batch that is under way there. */
interface Lane {
  readonly partition: Partition;
  batch: readonly Operation[];
  /** In the order in which they came, which is that of their ends: all have the same time. So is the batch. */
  queue: Operation[];
}

/**
 * Writes to partitions, one batch at a time each: operations that arrive while one is under way leave together in the
 * next, which is one mutation, as cheap as a single write. Each has its own outcome.
 */
export class GroupCommit {
  readonly #session: LedgerSession;
  readonly #host: Host;
  readonly #options: GroupCommitOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #timer: ExpiryTimer;
  readonly #underWay = new CallsUnderWay();

  constructor(session: LedgerSession, host: Host, options: GroupCommitOptions) {
    this.#session = session;
    this.#host = host;
    this.#options = options;
    this.#timer = new ExpiryTimer(host, () => this.#expire());
  }

  /**
   * Resolves when the mutations are acknowledged. Rejects with a TaskError whose outcome tells whether they may be
   * applied: when the server refuses them, when the signal is aborted, and when no time is left, whatever is under way.
   */
  write(partition: Partition, mutations: readonly Mutation[], signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    return new Promise((resolve, reject) => {
      const end = this.#host.monotonic() + this.#options.deadline;
      const operation = new Operation(mutations, end, resolve, reject);
      if (signal) operation.release = onAbort(signal, () => operation.settle(abortedBy(signal, operation)));
      this.#enqueue(partition, operation);
    });
  }

  /** Resolves when nothing is waiting or under way. */
  async idle(): Promise<void> {
    await this.#underWay.ended();
    this.#timer.stop();
  }

  #enqueue(partition: Partition, operation: Operation): void {
    const key = partitionName(partition);
    const lane = this.#lanes.get(key);
    this.#timer.lookAt(operation.end);
    if (lane) {
      lane.queue.push(operation);
      return;
    }
    const opened: Lane = { partition, batch: [], queue: [operation] };
    this.#lanes.set(key, opened);
    void this.#run(opened);
  }

  async #run(lane: Lane): Promise<void> {
    this.#underWay.begin();
    try {
      // What is written in the same turn of the caller leaves together, too.
      await undefined;
      while (lane.queue.length > 0) {
        lane.batch = this.#take(lane);
        await this.#send(lane.partition, lane.batch);
        // A lone lane goes on at once: the servers would have nothing to do in the meantime.
        if (lane.queue.length > 0 && this.#lanes.size > 1) await afterMicrotasks();
      }
      this.#lanes.delete(partitionName(lane.partition));
    } finally {
      this.#underWay.end();
    }
  }

  /** The operations of the next batch: as many as fit, at least one. Of many, as many as are prepared as one batch. */
  #take(lane: Lane): Operation[] {
    const count = this.#countOfNext(lane);
    if (count < PREPARED_FROM) return lane.queue.splice(0, count);
    const { taken, left } = takePrepared(lane.queue.slice(0, count));
    lane.queue.splice(0, count, ...left);
    return taken;
  }

  #countOfNext(lane: Lane): number {
    const { maxOperations, maxBytes } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const operation of lane.queue) {
      bytes += operation.bytes;
      if (count > 0 && (count === maxOperations || bytes > maxBytes)) break;
      count++;
    }
    return count;
  }

  /** Sends a batch until it is acknowledged, or each of its operations has had its time. */
  async #send(partition: Partition, batch: readonly Operation[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const alive = this.#alive(batch);
      if (alive.length === 0) return;
      const end = alive.reduce((latest, operation) => Math.max(latest, operation.end), 0);
      try {
        await this.#attempt(partition, alive, attemptTimeout(this.#host, this.#options, end));
        for (const operation of alive) operation.settle();
        return;
      } catch (error) {
        if (!isRetried(error)) return this.#refuse(partition, alive, error);
        for (const operation of alive) operation.failure = error;
      }
      if (!(await backOff(this.#host, attempt, end))) return this.#giveUp(alive);
    }
  }

  async #attempt(partition: Partition, operations: readonly Operation[], timeout: number): Promise<void> {
    const before = operations.map(({ mayApply }) => mayApply);
    // From here on it may be applied, unless the answer says otherwise.
    for (const operation of operations) operation.mayApply = true;
    try {
      await this.#session.apply(partition, mutationsOf(operations), timeout);
    } catch (error) {
      if (error instanceof SessionError && !error.mayApply)
        for (const [i, operation] of operations.entries()) operation.mayApply = before[i] as boolean;
      throw error;
    }
  }

  /** Those whose callers still wait; those whose time has passed are told so, since a busy process's timer is late. */
  #alive(batch: readonly Operation[]): Operation[] {
    const now = this.#host.monotonic();
    this.#giveUp(batch.filter(({ settled, end }) => !settled && end <= now));
    return batch.filter(({ settled }) => !settled);
  }

  #giveUp(operations: readonly Operation[]): void {
    for (const operation of operations) operation.settle(expired(operation, this.#options.deadline));
  }

  /** Answers those whose time has passed, whatever is under way; gives the end of the first of the others. */
  #expire(): number {
    let next = Infinity;
    for (const lane of this.#lanes.values()) {
      lane.queue = this.#alive(lane.queue);
      // Those of the queue that were left behind may be older than those of the batch.
      for (const first of [this.#alive(lane.batch)[0], lane.queue[0]]) if (first) next = Math.min(next, first.end);
    }
    return next;
  }

  /** A batch that the server refuses is split, so that the operation it does not like fails alone. */
  async #refuse(partition: Partition, operations: readonly Operation[], error: unknown): Promise<void> {
    const [only] = operations;
    if (operations.length === 1 && only) return only.settle(toTaskError(error, only.mayApply));
    const half = operations.length >> 1;
    await this.#send(partition, operations.slice(0, half));
    await this.#send(partition, operations.slice(half));
  }
}

/**
 * Resolves when those who have just been answered have had their turn: what they write next leaves together with what has
 * waited. Otherwise two callers of one partition would each wait for the other's batch of one, for good.
 */
function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function abortedBy(signal: AbortSignal, { mayApply }: Operation): TaskError {
  return abortedError(signal, mayApply ? "unknown" : "not-applied");
}

function expired({ mayApply, failure }: Operation, deadline: number): TaskError {
  if (failure) return toTaskError(failure, mayApply);
  const reason = mayApply ? "no answer" : "it did not come to be sent";
  return toTaskError(new SessionError("timeout", mayApply, `${reason} within ${deadline} ms`), mayApply);
}
