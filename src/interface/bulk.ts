import { abortWith, checkSignal } from "../core/abort.js";
import { checkCount } from "../core/arguments.js";
import { TaskError, type TaskErrorCode } from "../core/errors.js";
import { isThenable } from "../core/promises.js";
import { closeIterator, iteratorOf, NOT_READY, STOPPED, settled } from "../core/pull-source.js";
import { toStoreError } from "../core/store-error.js";
import { Yielder } from "../core/yielding.js";

/** Options of the calls that process many tasks in batches. */
export interface BulkOptions<T> {
  /** Maximum number of batches in flight. @defaultValue 8 */
  readonly concurrency?: number | undefined;
  /** Maximum number of tasks in a batch. @defaultValue 100 */
  readonly batchSize?: number | undefined;
  /** Aborted: no more tasks are pulled from the source. Batches in flight may still be applied. */
  readonly signal?: AbortSignal | undefined;
  /** Called, and awaited, for each task once the store has acknowledged it. If it throws or rejects, the run stops. */
  readonly onDone?: ((task: T) => unknown) | undefined;
}

/** A task of a bulk call that failed. */
export interface BulkFailure<T = unknown> {
  /** The task. */
  readonly task: T;
  /** Why it failed. */
  readonly error: TaskError;
}

/**
 * BULK_FAILED, or ABORTED: `done` tasks were acknowledged, `failures` lists those that were taken from the source and
 * were not, each with its own error. If the source or a callback threw, `cause` is what it threw. `outcome` is
 * "not-applied" only if nothing was applied at all.
 */
export class BulkError<T = unknown> extends TaskError {
  /** The number of tasks that the store acknowledged. */
  readonly done: number;
  /** The tasks that were taken from the source and not acknowledged, each with its error. */
  readonly failures: readonly BulkFailure<T>[];
  /** The codes of the failures' errors, each once. */
  readonly causes: readonly TaskErrorCode[];

  constructor(code: TaskErrorCode, message: string, done: number, failures: readonly BulkFailure<T>[], cause: unknown) {
    const unknown = done > 0 || failures.some(({ error }) => error.outcome === "unknown");
    super(code, message, { outcome: unknown ? "unknown" : "not-applied", cause });
    this.done = done;
    this.failures = failures;
    this.causes = codesOf(failures);
  }
}

function codesOf(failures: readonly BulkFailure[]): TaskErrorCode[] {
  return [...new Set(failures.map(({ error }) => error.code))];
}

/** The steps of a batch: tasks become entries, entries have outcomes, and outcomes are settled with their tasks. */
export interface BatchSteps<T, Entry, Outcome> {
  prepare(task: T): Entry;
  perform(entries: readonly Entry[]): Promise<readonly Outcome[]>;
  settle(task: T, outcome: Outcome): TaskError | undefined;
}

/** Performs a batch; resolves to the tasks that failed, each with its own error. */
export async function performBatch<T, Entry, Outcome>(
  batch: readonly T[],
  { prepare, perform, settle }: BatchSteps<T, Entry, Outcome>,
): Promise<readonly BulkFailure<T>[]> {
  const failures: BulkFailure<T>[] = [];
  const tasks: T[] = [];
  const entries: Entry[] = [];
  for (const task of batch) {
    try {
      entries.push(prepare(task));
      tasks.push(task);
    } catch (error) {
      failures.push({ task, error: toStoreError(error, "not-applied") });
    }
  }
  if (tasks.length === 0) return failures;
  try {
    const outcomes = await perform(entries);
    for (let i = 0; i < tasks.length; i++) {
      const task = tasks[i] as T;
      const error = settle(task, outcomes[i] as Outcome);
      if (error) failures.push({ task, error });
    }
  } catch (error) {
    for (const task of tasks) failures.push({ task, error: toStoreError(error, "unknown") });
  }
  return failures;
}

/** Performs a batch; resolves to the tasks that failed. */
export type PerformBatch<T> = (batch: readonly T[]) => Promise<readonly BulkFailure<T>[]>;

/**
 * Pulls tasks from a source, with backpressure, and performs them in batches. A batch is sent when it is full, or when the
 * source has nothing ready, so that a slow source is not delayed. After a failure nothing more is pulled; batches in flight
 * are awaited, and the source is closed. Resolves to the number of tasks done; rejects with
 * a {@link BulkError}.
 */
export async function runInBatches<T>(
  source: Iterable<T> | AsyncIterable<T>,
  perform: PerformBatch<T>,
  { concurrency = 8, batchSize = 100, signal, onDone }: BulkOptions<T> = {},
): Promise<number> {
  checkCount("concurrency", concurrency);
  checkCount("batchSize", batchSize);
  checkSignal(signal);
  const run = new BulkRun<T>(signal);
  try {
    await takeBatches(
      batchesOf(source, batchSize, run),
      run,
      (batch) => run.perform(batch, perform, onDone),
      concurrency,
    );
    return run.result();
  } finally {
    run.release();
  }
}

async function takeBatches<T>(
  batches: AsyncIterable<T[]>,
  run: BulkRun<T>,
  perform: (batch: readonly T[]) => Promise<void>,
  concurrency: number,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const yielder = new Yielder();
  for await (const batch of batches) {
    if (run.stopped) {
      run.leave(batch);
      break;
    }
    const work = perform(batch).finally(() => underWay.delete(work));
    underWay.add(work);
    if (underWay.size >= concurrency) await Promise.race(underWay);
    await yielder.after(batch.length);
  }
  await Promise.all(underWay);
}

/** The progress of a run, and whether it continues. */
class BulkRun<T> {
  /** Aborted at the first failure, or by the caller's signal. */
  readonly #stopping = new AbortController();
  readonly stop = this.#stopping.signal;
  /** Stops listening to the caller's signal. */
  readonly release: () => void;
  readonly #failures: BulkFailure<T>[] = [];
  readonly #signal: AbortSignal | undefined;
  /** Whether the source is exhausted. */
  sourceEnded = false;
  #done = 0;
  /** Set if something threw that is not the failure of a task. */
  #thrown: { readonly by: string; readonly cause: unknown } | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.release = abortWith(this.#stopping, signal);
  }

  get stopped(): boolean {
    return this.stop.aborted;
  }

  async perform(batch: readonly T[], perform: PerformBatch<T>, onDone: BulkOptions<T>["onDone"]): Promise<void> {
    const failures = await perform(batch);
    for (const failure of failures) this.#failures.push(failure);
    this.#done += batch.length - failures.length;
    if (failures.length > 0) this.#stopping.abort();
    const failed = new Set(failures.map(({ task }) => task));
    try {
      for (const task of batch) {
        const told = failed.has(task) ? undefined : onDone?.(task);
        if (isThenable(told)) await told;
      }
    } catch (cause) {
      this.fail("the callback", cause);
    }
  }

  fail(by: string, cause: unknown): void {
    this.#thrown ??= { by, cause };
    this.#stopping.abort();
  }

  /** Records tasks that were taken from the source and will not be tried. */
  leave(batch: readonly T[]): void {
    const error = new TaskError("ABORTED", "not tried, since the run had stopped");
    for (const task of batch) this.#failures.push({ task, error });
  }

  result(): number {
    const failed = this.#failures.length;
    const thrown = this.#thrown;
    if (this.sourceEnded && failed === 0 && thrown === undefined) return this.#done;
    const aborted = this.#signal?.aborted === true;
    const what = aborted ? "aborted" : thrown ? `${thrown.by} threw` : "some tasks failed";
    const notDone = failed === 0 ? "none" : `${failed} (${codesOf(this.#failures).join(", ")}; see failures)`;
    const message = `${what}; done: ${this.#done}, taken and not done: ${notDone}`;
    const cause = thrown ? thrown.cause : aborted ? this.#signal?.reason : this.#failures[0]?.error;
    throw new BulkError(aborted ? "ABORTED" : "BULK_FAILED", message, this.#done, this.#failures, cause);
  }
}

/** After the run has stopped, the last batch holds what had been taken by then. */
async function* batchesOf<T>(
  source: Iterable<T> | AsyncIterable<T>,
  size: number,
  run: BulkRun<T>,
): AsyncGenerator<T[], void, undefined> {
  const iterator = iteratorOf(source);
  let batch: T[] = [];
  let pulled: IteratorResult<T> | PromiseLike<IteratorResult<T>> | undefined;
  let isOpen = true;
  try {
    while (isOpen && !run.stopped) {
      pulled ??= iterator.next();
      const next = "then" in pulled ? await settled(pulled, run.stop, batch.length > 0) : pulled;
      if (next === STOPPED) break;
      if (next !== NOT_READY) {
        pulled = undefined;
        if (next.done) {
          run.sourceEnded = true;
          isOpen = false;
        } else batch.push(next.value);
        if (!next.done && batch.length < size) continue;
      }
      if (batch.length > 0) yield batch;
      batch = [];
    }
  } catch (cause) {
    isOpen = false;
    run.fail("the source of tasks", cause);
  } finally {
    if (isOpen) await closeIterator(iterator, pulled !== undefined);
  }
  if (batch.length > 0) yield batch;
}
