import { abortedError, onAbort } from "../../../core/abort.js";
import type { TaskError } from "../../../core/errors.js";
import type { InFlight } from "../in-flight.js";
import type { Partition } from "../model/partition.js";
import { type LedgerSession, type Mutation, SessionError } from "../model/session.js";
import { attemptTimeout, backOff, isRetried, type RetryPolicy, toTaskError } from "../retry.js";
import type { Runtime } from "../runtime.js";
import { PartitionQueues } from "./partition-queues.js";

/** The limits of a batch. */
export interface BatchLimits {
  readonly maxOperations: number;
  /** Maximum number of bytes of bodies; a larger one is sent alone. */
  readonly maxBytes: number;
}

export type GroupCommitOptions = RetryPolicy & BatchLimits;

/** Maximum number of removals in flight. */
const MAX_REMOVALS = 10_000;

/** Mutations that belong together, and their caller. */
class PendingWrite {
  /** Empty once its caller has been answered: the write may stay queued, and must not keep its task in memory. */
  mutations: readonly Mutation[];
  readonly bytes: number;
  /** Its deadline, in milliseconds on the monotonic clock. */
  readonly end: number;
  /** Whether an attempt is in flight; it may be applied, unless its answer says otherwise. */
  isSent = false;
  /** Whether an earlier attempt may have been applied. */
  mayApply = false;
  /** The error of the last attempt, if it can be retried. */
  failure: SessionError | undefined = undefined;
  isSettled = false;
  readonly #onSettled: (error: TaskError | undefined) => void;

  constructor(mutations: readonly Mutation[], end: number, onSettled: (error: TaskError | undefined) => void) {
    this.mutations = mutations;
    this.bytes = mutations.reduce((sum, each) => sum + (each.kind === "put-task" ? each.body.length : 0), 0);
    this.end = end;
    this.#onSettled = onSettled;
  }

  get isUnknown(): boolean {
    return this.isSent || this.mayApply;
  }

  /** Answers the caller, unless it has been answered. */
  settle(error?: TaskError): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.mutations = [];
    this.#onSettled(error);
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
  #removals = 0;

  constructor(session: LedgerSession, runtime: Runtime, options: GroupCommitOptions, inFlight: InFlight) {
    this.#session = session;
    this.#runtime = runtime;
    this.#options = options;
    this.#queues = new PartitionQueues(
      1,
      (partition, queue) => this.#send(partition, queue.splice(0, this.#countOfNext(queue))),
      inFlight,
    );
  }

  /** The deadline of a write that begins now. */
  deadline(): number {
    return this.#runtime.monotonic() + this.#options.deadline;
  }

  /**
   * Resolves when the mutations are acknowledged. Rejects with a TaskError whose outcome tells whether they may be
   * applied: when the server refuses them, when the signal is aborted, and at the deadline, whatever is in flight.
   */
  write(
    partition: Partition,
    mutations: readonly Mutation[],
    signal?: AbortSignal,
    end: number = this.deadline(),
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(signal));
      const write = new PendingWrite(mutations, end, (error) => {
        cancel();
        release?.();
        if (error) reject(error);
        else resolve();
      });
      const cancel = this.#runtime.later(end - this.#runtime.monotonic(), () => this.#expire(write));
      const abort = (by: AbortSignal) => write.settle(abortedError(by, write.isUnknown ? "unknown" : "not-applied"));
      const release = signal && onAbort(signal, () => abort(signal));
      this.#queues.add(partition, write);
    });
  }

  /** Writes in the background. What is left undone, or fails, is found again by a later scan. */
  remove(partition: Partition, mutations: readonly Mutation[]): void {
    if (this.#removals >= MAX_REMOVALS) return;
    this.#removals++;
    const done = () => void this.#removals--;
    this.write(partition, mutations).then(done, done);
  }

  /** As many as fit, at least one. */
  #countOfNext(queue: readonly PendingWrite[]): number {
    const { maxOperations, maxBytes } = this.#options;
    let bytes = 0;
    const end = queue.findIndex((write, i) => {
      bytes += write.bytes;
      return i > 0 && (i === maxOperations || bytes > maxBytes);
    });
    return end < 0 ? queue.length : end;
  }

  /** Sends a batch until it is acknowledged, or all of its callers have been answered. */
  async #send(partition: Partition, batch: readonly PendingWrite[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const now = this.#runtime.monotonic();
      for (const write of batch) if (write.end <= now) this.#expire(write); // timers are late in a busy process
      const waiting = batch.filter(({ isSettled }) => !isSettled);
      if (waiting.length === 0) return;
      const end = waiting.reduce((latest, write) => Math.max(latest, write.end), 0);
      try {
        for (const write of waiting) write.isSent = true;
        const mutations = waiting.flatMap((write) => write.mutations);
        await this.#session.apply(partition, mutations, attemptTimeout(this.#runtime, this.#options, end));
        for (const write of waiting) write.settle();
        return;
      } catch (error) {
        for (const write of waiting) {
          write.isSent = false;
          write.mayApply ||= !(error instanceof SessionError) || error.mayApply;
          if (isRetried(error)) write.failure = error;
        }
        if (!isRetried(error)) return this.#refuse(partition, waiting, error);
      }
      if (!(await backOff(this.#runtime, attempt, end))) for (const write of waiting) this.#expire(write);
    }
  }

  /** A batch that the server refuses is split, so that only the bad write fails. */
  async #refuse(partition: Partition, writes: readonly PendingWrite[], error: unknown): Promise<void> {
    const [first] = writes;
    if (writes.length === 1) return first?.settle(toTaskError(error, {}, first.mayApply));
    const half = writes.length >> 1;
    await this.#send(partition, writes.slice(0, half));
    await this.#send(partition, writes.slice(half));
  }

  #expire(write: PendingWrite): void {
    const { isUnknown, failure } = write;
    const reason = isUnknown ? "no answer" : "it could not be sent";
    const timeout = () => new SessionError("timeout", isUnknown, `${reason} within ${this.#options.deadline} ms`);
    write.settle(toTaskError(failure ?? timeout(), {}, isUnknown));
  }
}
