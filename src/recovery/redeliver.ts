import type { OperationOptions } from "../adapter/adapter.js";
import { REDELIVERY } from "../adapter/claim-store.js";
import { claimsOf } from "../claims/checked-claims.js";
import { checkSignal } from "../core/abort.js";
import { checkCount, checkDuration, checkFunction, type OptionNames, readOptions } from "../core/arguments.js";
import { forEachConcurrently } from "../core/concurrency.js";
import { invalidArgument } from "../core/errors.js";
import { checkTaskLists } from "../core/keys.js";
import type { DataInterface } from "../interface/data-interface.js";
import { checkDataInterface } from "../interface/interface-state.js";
import { listStale } from "../interface/stale.js";
import type { OpaqueTask } from "../task/opaque-task.js";
import type { Task } from "../task/task.js";
import { stateOf } from "../task/task-state.js";
import type { TaskClass, TaskOf } from "../task/task-types.js";
import { repeat } from "./repeat.js";

export interface RedeliverOptions extends OperationOptions {
  /** Minimum age of the tasks, in milliseconds since they were saved. @defaultValue 60,000 */
  readonly olderThan?: number | undefined;
  /**
   * Minimum time between two deliveries of a task, by any process, in milliseconds, unless it has been tried meanwhile.
   * @defaultValue 300,000
   */
  readonly interval?: number | undefined;
  /** Delay between passes, in milliseconds; passes repeat until the signal is aborted. @defaultValue one pass */
  readonly every?: number | undefined;
  /** Maximum number of tasks in a batch. @defaultValue 100 */
  readonly batchSize?: number | undefined;
  /**
   * Called, and awaited, if the store did not answer (a TaskError) or `send` threw; with `every`, the next pass tries again.
   * Without it, the run ends with what `send` throws.
   */
  readonly onFailed?: ((error: unknown) => unknown) | undefined;
}

const redeliverOptions: OptionNames<RedeliverOptions> = {
  ...{ olderThan: true, interval: true, every: true, batchSize: true, onFailed: true, signal: true },
};

/** Number of marks that are set at once. */
const CONCURRENCY = 16;

/**
 * Sends tasks of one or more lists to a queue again, which may have lost them: tasks that have been open for a while, are not
 * claimed, and do not wait to be tried again. They stay open until a worker completes them. Their envelopes have the number of
 * attempts so far. Any number of processes may run it.
 *
 *     await redeliver(tasks, "acme.com", (batch) => queue.addBulk(batch.map(toJob)), { every: 30_000, signal });
 *
 * If `send` throws or rejects, its batch may be sent again at once, and the call rejects with the same error, unless there is
 * `onFailed`.
 *
 * @returns how many tasks were handed over.
 * @throws INVALID_ARGUMENT, INVALID_KEY, UNSUPPORTED if the store has no claims, and, without `every`, what the store throws.
 */
export async function redeliver<C extends TaskClass<Task>>(
  tasks: DataInterface<C>,
  taskLists: string | readonly string[],
  send: (batch: readonly (TaskOf<C> | OpaqueTask)[]) => unknown,
  options: RedeliverOptions = {},
): Promise<number> {
  checkDataInterface("tasks", tasks);
  const lists = checkTaskLists(taskLists);
  if (typeof send !== "function") throw invalidArgument("send", "a function", send);
  const { every, signal, onFailed, ...rest } = readOptions(options, redeliverOptions);
  const { olderThan = 60_000, interval = 300_000, batchSize = 100 } = rest;
  checkDuration("interval", interval, 1);
  checkDuration("every", every ?? 0);
  checkCount("batchSize", batchSize);
  checkFunction("onFailed", onFailed);
  checkSignal(signal);
  const passOptions = { olderThan, interval, batchSize, signal };
  const redelivery = new Redelivery(tasks as DataInterface, send as Send, passOptions);
  const passes = lists.map((taskList) => () => redelivery.pass(taskList));
  try {
    await repeat(passes, {
      ...{ every, signal },
      mayPass: (error) => onFailed !== undefined && error instanceof SendFailure,
      async onFailed(error) {
        await onFailed?.(causeOf(error));
        return true;
      },
    });
  } catch (error) {
    throw causeOf(error);
  }
  return redelivery.sent;
}

/** What `send` threw, whatever it is. */
class SendFailure {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof SendFailure ? error.cause : error;
}

type Send = (batch: readonly Task[]) => unknown;

interface PassOptions {
  readonly olderThan: number;
  readonly interval: number;
  readonly batchSize: number;
  readonly signal: AbortSignal | undefined;
}

class Redelivery {
  readonly #tasks: DataInterface;
  readonly #send: Send;
  readonly #options: PassOptions;
  sent = 0;

  constructor(tasks: DataInterface, send: Send, options: PassOptions) {
    this.#tasks = tasks;
    this.#send = send;
    this.#options = options;
  }

  async pass(taskList: string): Promise<true> {
    const { olderThan, batchSize, signal } = this.#options;
    const stale = listStale(this.#tasks, taskList, { olderThan, unclaimed: true, signal }, { owner: REDELIVERY });
    let batch: Task[] = [];
    for await (const task of stale) {
      batch.push(task);
      if (batch.length < batchSize) continue;
      await this.#handOver(batch);
      batch = [];
    }
    await this.#handOver(batch);
    return true;
  }

  /** First the mark, then the queue: if this process ends in between, the task is sent again one interval later. */
  async #handOver(batch: readonly Task[]): Promise<void> {
    const marks = new Map<Task, bigint>();
    try {
      await this.#markAll(batch, marks);
      const marked = batch.filter((task) => marks.has(task));
      if (marked.length > 0) await this.#sendAll(marked);
      this.sent += marked.length;
    } catch (error) {
      await forEachConcurrently([...marks], CONCURRENCY, ([task, token]) => this.#unmark(task, token));
      throw error;
    }
  }

  async #sendAll(batch: readonly Task[]): Promise<void> {
    try {
      await this.#send(batch);
    } catch (cause) {
      throw new SendFailure(cause);
    }
  }

  /** Notes the tokens of marks that are set; all that are under way are waited for. */
  async #markAll(batch: readonly Task[], marks: Map<Task, bigint>): Promise<void> {
    let failure: { readonly cause: unknown } | undefined;
    await forEachConcurrently(batch, CONCURRENCY, async (task) => {
      if (failure) return;
      try {
        const token = await this.#mark(task);
        if (token !== undefined) marks.set(task, token);
      } catch (cause) {
        failure = { cause };
      }
    });
    if (failure) throw failure.cause;
  }

  /** Returns undefined if another process has marked the task, or a worker has claimed it meanwhile. */
  async #mark(task: Task): Promise<bigint | undefined> {
    const { taskList, id, envelope } = task;
    const request = { taskList, id, savedAt: envelope.savedAt ?? 0n, owner: REDELIVERY, lease: this.#options.interval };
    const state = await claimsOf(this.#tasks.adapter).claim(request);
    if (state) stateOf(task).envelope.attempt = state.attempt;
    return state?.token;
  }

  async #unmark({ taskList, id }: Task, token: bigint): Promise<void> {
    await claimsOf(this.#tasks.adapter)
      .release({ taskList, id, token }, 0)
      .catch(() => undefined);
  }
}
