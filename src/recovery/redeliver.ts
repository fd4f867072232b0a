import { checkSignal } from "../abort.js";
import type { OperationOptions } from "../adapter.js";
import { REDELIVERY } from "../claim-store.js";
import { forEachConcurrently } from "../concurrency.js";
import type { DataInterface } from "../data-interface.js";
import { invalidArgument, type TaskError } from "../errors.js";
import { checkDataInterface } from "../interface-state.js";
import { checkTaskList } from "../keys.js";
import { checkCount, checkDuration, checkFunction, type OptionNames, readOptions } from "../options.js";
import { listStale } from "../stale.js";
import type { OpaqueTask } from "../task/opaque-task.js";
import type { Task } from "../task/task.js";
import type { TaskClass, TaskOf } from "../task/task-types.js";
import { claimsOf } from "./claiming.js";
import { repeat } from "./repeat.js";

export interface RedeliverOptions extends OperationOptions {
  /** Only tasks that were saved at least so many milliseconds ago. @defaultValue 60,000 */
  readonly olderThan?: number | undefined;
  /** A task is handed over at most once in so many milliseconds, by whichever process. @defaultValue 300,000 */
  readonly interval?: number | undefined;
  /** Looks again so many milliseconds after each pass, until the signal is aborted. @defaultValue one pass */
  readonly every?: number | undefined;
  /** The maximum number of tasks in a batch. @defaultValue 100 */
  readonly batchSize?: number | undefined;
  /** Called if the store did not answer; with `every`, the next pass tries again. */
  readonly onStoreFailed?: ((error: TaskError) => unknown) | undefined;
}

const redeliverOptions: OptionNames<RedeliverOptions> = {
  ...{ olderThan: true, interval: true, every: true, batchSize: true, onStoreFailed: true, signal: true },
};

/** Marks that are set at once. */
const CONCURRENCY = 16;

/**
 * Hands tasks that a queue has lost to it again: those that have been open for a while, that nobody has claimed, and that do not
 * wait to be tried again. They stay open; whoever does one completes it. Any number of processes may run it on one list.
 *
 *     await redeliver(tasks, "acme.com", (batch) => queue.addBulk(batch.map(toJob)), { every: 30_000, signal });
 *
 * If `send` throws or rejects, its batch may be handed over again at once, and the call rejects with that.
 *
 * @returns how many tasks were handed over.
 * @throws INVALID_ARGUMENT, INVALID_KEY, UNSUPPORTED if the store has no claims, and, without `every`, what the store throws.
 */
export async function redeliver<C extends TaskClass<Task>>(
  tasks: DataInterface<C>,
  taskList: string,
  send: (batch: readonly (TaskOf<C> | OpaqueTask)[]) => unknown,
  options: RedeliverOptions = {},
): Promise<number> {
  checkDataInterface("tasks", tasks);
  checkTaskList(taskList);
  if (typeof send !== "function") throw invalidArgument("send", "a function", send);
  const { every, signal, onStoreFailed, ...rest } = readOptions(options, redeliverOptions);
  const { olderThan = 60_000, interval = 300_000, batchSize = 100 } = rest;
  checkDuration("interval", interval, 1);
  checkDuration("every", every ?? 0);
  checkCount("batchSize", batchSize);
  checkFunction("onStoreFailed", onStoreFailed);
  checkSignal(signal);
  const pass = new Redelivery(tasks as DataInterface, taskList, send as Send, {
    olderThan,
    interval,
    batchSize,
    signal,
  });
  await repeat(() => pass.run(), {
    ...{ every, signal },
    async onStoreFailed(error) {
      await onStoreFailed?.(error);
      return true;
    },
  });
  return pass.sent;
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
  readonly #taskList: string;
  readonly #send: Send;
  readonly #options: PassOptions;
  sent = 0;

  constructor(tasks: DataInterface, taskList: string, send: Send, options: PassOptions) {
    this.#tasks = tasks;
    this.#taskList = taskList;
    this.#send = send;
    this.#options = options;
  }

  async run(): Promise<true> {
    const { olderThan, batchSize, signal } = this.#options;
    const stale = listStale(this.#tasks, this.#taskList, { olderThan, unclaimed: true, signal }, { owner: REDELIVERY });
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

  /** First the mark, then the queue: if this process ends in between, the task is handed over an interval later. */
  async #handOver(batch: readonly Task[]): Promise<void> {
    const marks = new Map<Task, bigint>();
    await forEachConcurrently(batch, CONCURRENCY, async (task) => {
      const token = await this.#mark(task);
      if (token !== undefined) marks.set(task, token);
    });
    const marked = batch.filter((task) => marks.has(task));
    if (marked.length === 0) return;
    try {
      await this.#send(marked);
    } catch (error) {
      await forEachConcurrently(marked, CONCURRENCY, (task) => this.#unmark(task, marks.get(task) as bigint));
      throw error;
    }
    this.sent += marked.length;
  }

  /** Undefined if another process has marked the task, or somebody has claimed it meanwhile. */
  async #mark({ taskList, id, envelope }: Task): Promise<bigint | undefined> {
    const savedAt = envelope.savedAt ?? 0n;
    const request = { taskList, id, savedAt, owner: REDELIVERY, lease: this.#options.interval };
    return (await claimsOf(this.#tasks.adapter).claim(request))?.token;
  }

  async #unmark({ taskList, id }: Task, token: bigint): Promise<void> {
    await claimsOf(this.#tasks.adapter)
      .release({ taskList, id, token }, 0)
      .catch(() => undefined);
  }
}
