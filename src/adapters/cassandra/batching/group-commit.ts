import { abortedError, onAbort } from "../../../core/abort.js";
import type { TaskError } from "../../../core/errors.js";
import { InFlight } from "../in-flight.js";
import type { Partition } from "../model/partition.js";
import { type LedgerSession, type Mutation, SessionError } from "../model/session.js";
import { attemptTimeout, backOff, isRetried, type RetryPolicy, toTaskError } from "../retry.js";
import type { Runtime } from "../runtime.js";
import { Deferred } from "./deferred.js";
import { PartitionQueues } from "./partition-queues.js";

/** The limits of a batch. */
export interface BatchLimits {
  readonly maxOperations: number;
  /** Maximum number of bytes of bodies; a larger one is sent alone. */
  readonly maxBytes: number;
}

export type GroupCommitOptions = RetryPolicy & BatchLimits;

/** Mutations that belong together, and their caller. */
class PendingWrite extends Deferred<void> {
  /** Empty once its caller has been answered: the write may stay queued, and must not keep its task in memory. */
  mutations: readonly Mutation[];
  readonly bytes: number;
  /** Its deadline, in milliseconds on the monotonic clock. */
  readonly end: number;
  /** Whether an attempt was made, or is in flight, that may be applied. */
  mayApply = false;
  /** The error of the last attempt, if it can be retried. */
  failure: SessionError | undefined = undefined;

  constructor(mutations: readonly Mutation[], end: number) {
    super();
    this.mutations = mutations;
    this.bytes = mutations.reduce((sum, each) => sum + (each.kind === "put-task" ? each.body.length : 0), 0);
    this.end = end;
  }

  settle(error?: TaskError): void {
    if (error) this.reject(error);
    else this.resolve();
    this.mutations = [];
  }
}

/**
 * Writes to partitions, one batch at a time per partition: writes that arrive while one is in flight are sent together in the
 * next, which is one mutation, as cheap as a single write. Each write has its own outcome.
 */
export class GroupCommit {
  readonly #session: LedgerSession;
  readonly #runtime: Runtime;
  readonly #options: GroupCommitOptions;
  readonly #queues: PartitionQueues<PendingWrite>;

  constructor(session: LedgerSession, runtime: Runtime, options: GroupCommitOptions, inFlight = new InFlight()) {
    this.#session = session;
    this.#runtime = runtime;
    this.#options = options;
    const queueOptions = {
      concurrency: 1,
      patience: Infinity,
      take: (queue: PendingWrite[]) => queue.splice(0, this.#countOfNext(queue)),
      send: (partition: Partition, batch: PendingWrite[]) => this.#send(partition, batch),
    };
    this.#queues = new PartitionQueues(queueOptions, runtime, inFlight);
  }

  /** The deadline of a write that begins now. */
  deadline(): number {
    return this.#runtime.monotonic() + this.#options.deadline;
  }

  /**
   * Resolves when the mutations are acknowledged. Rejects with a TaskError whose outcome tells whether they may be
   * applied: when the server refuses them, when the signal is aborted, and at the deadline, whatever is in flight.
   */
  write(partition: Partition, mutations: readonly Mutation[], end: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    const write = new PendingWrite(mutations, end);
    const cancel = this.#runtime.later(end - this.#runtime.monotonic(), () => this.#expire(write));
    const release = signal && onAbort(signal, () => write.settle(abortedBy(signal, write)));
    write.cleanUp = () => {
      cancel();
      release?.();
    };
    this.#queues.add(partition, write);
    return write.promise;
  }

  /** Takes as many as fit, at least one. */
  #countOfNext(queue: readonly PendingWrite[]): number {
    const { maxOperations, maxBytes } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const write of queue) {
      bytes += write.bytes;
      if (count > 0 && (count === maxOperations || bytes > maxBytes)) break;
      count++;
    }
    return count;
  }

  /** Sends a batch until it is acknowledged, or all of its callers have been answered. */
  async #send(partition: Partition, batch: readonly PendingWrite[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const waiting = this.#waiting(batch);
      if (waiting.length === 0) return;
      const end = waiting.reduce((latest, write) => Math.max(latest, write.end), 0);
      try {
        await this.#attempt(partition, waiting, attemptTimeout(this.#runtime, this.#options, end));
        for (const write of waiting) write.settle();
        return;
      } catch (error) {
        if (!isRetried(error)) return this.#refuse(partition, waiting, error);
        for (const write of waiting) write.failure = error;
      }
      if (!(await backOff(this.#runtime, attempt, end))) for (const write of waiting) this.#expire(write);
    }
  }

  /** Writes whose callers still wait. Those past their deadline are rejected here, since timers are late in a busy process. */
  #waiting(batch: readonly PendingWrite[]): readonly PendingWrite[] {
    const now = this.#runtime.monotonic();
    for (const write of batch) if (write.end <= now) this.#expire(write);
    return batch.filter(({ settled }) => !settled);
  }

  async #attempt(partition: Partition, writes: readonly PendingWrite[], timeout: number): Promise<void> {
    const before = writes.map(({ mayApply }) => mayApply);
    // From here on it may be applied, unless the answer says otherwise.
    for (const write of writes) write.mayApply = true;
    try {
      const mutations = writes.flatMap((write) => write.mutations);
      await this.#session.apply(partition, mutations, timeout);
    } catch (error) {
      if (error instanceof SessionError && !error.mayApply)
        for (const [i, write] of writes.entries()) write.mayApply = before[i] as boolean;
      throw error;
    }
  }

  /** A batch that the server refuses is split, so that only the bad write fails. */
  async #refuse(partition: Partition, writes: readonly PendingWrite[], error: unknown): Promise<void> {
    const [only] = writes;
    if (writes.length === 1 && only) return only.settle(toTaskError(error, only.mayApply));
    const half = writes.length >> 1;
    await this.#send(partition, writes.slice(0, half));
    await this.#send(partition, writes.slice(half));
  }

  #expire(write: PendingWrite): void {
    const { mayApply, failure } = write;
    const reason = mayApply ? "no answer" : "it could not be sent";
    const timeout = () => new SessionError("timeout", mayApply, `${reason} within ${this.#options.deadline} ms`);
    write.settle(toTaskError(failure ?? timeout(), mayApply));
  }
}

function abortedBy(signal: AbortSignal, { mayApply }: PendingWrite): TaskError {
  return abortedError(signal, mayApply ? "unknown" : "not-applied");
}
