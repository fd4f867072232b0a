import { BulkError, type DataInterface, isTaskError, OpaqueTask } from "taskledger";
import type { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import type { ChaosAdapter } from "./broken.js";
import { type Answer, type Call, type Failure, type Listed, type LogWriter, now } from "./log.js";

type FetchFileTasks = DataInterface<typeof FetchFileTask>;

/** Without the number and the time, which are added here. */
type CallBody = Call extends infer C ? (C extends Call ? Omit<C, "at" | "call"> : never) : never;
type AnswerBody = Answer extends infer A ? (A extends Answer ? Omit<A, "at" | "of"> : never) : never;

export interface PassOptions {
  readonly savedBefore?: bigint;
  /** Stops after so many tasks. */
  readonly limit?: number;
}

/** Makes calls like a user's program, and logs each before it is made, and its result. Nothing throws. */
export class Recorder {
  readonly #tasks: FetchFileTasks;
  readonly #adapter: ChaosAdapter;
  readonly #log: LogWriter;
  readonly #name: string;
  #calls = 0;

  constructor(name: string, tasks: FetchFileTasks, adapter: ChaosAdapter, log: LogWriter) {
    this.#name = name;
    this.#tasks = tasks;
    this.#adapter = adapter;
    this.#log = log;
  }

  /** Resolves to whether it was acknowledged. Every save writes its own token, by which it is recognized. */
  async save(task: FetchFileTask, signal?: AbortSignal): Promise<boolean> {
    const call = this.#saving(task);
    try {
      await this.#tasks.save(task, { signal });
      this.#answer(call, { saved: versionOf(task) });
      return true;
    } catch (error) {
      this.#answer(call, savingFailure(error, task));
      return false;
    }
  }

  async complete(task: FetchFileTask, signal?: AbortSignal): Promise<boolean> {
    const call = this.#completing(task);
    try {
      await this.#tasks.complete(task, { signal });
      this.#answer(call, { done: true });
      return true;
    } catch (error) {
      this.#answer(call, toFailure(error));
      return false;
    }
  }

  async find(list: string, id: string): Promise<FetchFileTask | undefined> {
    const call = this.#call({ op: "find", list, id });
    try {
      const task = requireKnown(await this.#tasks.find(list, id));
      this.#answer(call, { found: task ? [versionOf(task), task.filename] : null });
      return task;
    } catch (error) {
      this.#answer(call, toFailure(error));
      return undefined;
    }
  }

  async all(list: string, { savedBefore, limit = Infinity }: PassOptions = {}): Promise<FetchFileTask[]> {
    const before = savedBefore === undefined ? {} : { before: Number(savedBefore) };
    const call = this.#call({ op: "all", list, ...before });
    const found: FetchFileTask[] = [];
    const listed = () => found.map((task): Listed => [task.id, versionOf(task), task.filename]);
    try {
      for await (const task of this.#tasks.all(list, { savedBefore })) {
        found.push(requireKnown(task) as FetchFileTask);
        if (found.length >= limit) break;
      }
      this.#answer(call, { listed: listed(), ended: found.length < limit });
    } catch (error) {
      this.#answer(call, { ...toFailure(error), listed: listed() });
    }
    return found;
  }

  async saveAll(tasks: readonly FetchFileTask[]): Promise<void> {
    const calls = new Map(tasks.map((task) => [task, this.#saving(task)]));
    const onSaved = (task: FetchFileTask) => this.#settle(calls, task, { saved: versionOf(task) });
    await this.#tasks
      .saveAll(tasks, { batchSize: 8, concurrency: 2, onSaved })
      .catch((error) => this.#settleFailures(calls, error, savingFailure));
  }

  async completeAll(tasks: readonly FetchFileTask[]): Promise<void> {
    const calls = new Map(tasks.map((task) => [task, this.#completing(task)]));
    const onCompleted = (task: FetchFileTask) => this.#settle(calls, task, { done: true });
    await this.#tasks
      .completeAll(tasks, { batchSize: 8, concurrency: 2, onCompleted })
      .catch((error) => this.#settleFailures(calls, error, toFailure));
  }

  async sweep(list: string): Promise<void> {
    const call = this.#call({ op: "sweep", list });
    try {
      await this.#adapter.sweep(list);
      this.#answer(call, { done: true });
    } catch (error) {
      this.#answer(call, toFailure(error));
    }
  }

  #saving(task: FetchFileTask): number {
    const token = `${this.#name}-${this.#calls + 1}`;
    task.data.filename = token;
    return this.#call({ op: "save", list: task.taskList, id: task.id, token });
  }

  #completing(task: FetchFileTask): number {
    return this.#call({ op: "complete", list: task.taskList, id: task.id, version: versionOf(task) });
  }

  #call(body: CallBody): number {
    const call = ++this.#calls;
    this.#log.write({ at: now(), call, ...body });
    return call;
  }

  #answer(of: number, body: AnswerBody): void {
    this.#log.write({ at: now(), of, ...body });
  }

  #settle(calls: Map<FetchFileTask, number>, task: FetchFileTask, answer: AnswerBody): void {
    this.#answer(calls.get(task) as number, answer);
    calls.delete(task);
  }

  /** The tasks that the error names have failed; the others were never taken from the source. */
  #settleFailures(
    calls: Map<FetchFileTask, number>,
    error: unknown,
    toAnswer: (error: unknown, task: FetchFileTask) => Failure,
  ): void {
    if (!(error instanceof BulkError)) throw error;
    for (const { task, error: cause } of error.failures as BulkError<FetchFileTask>["failures"])
      this.#settle(calls, task, toAnswer(cause, task));
    for (const of of calls.values())
      this.#answer(of, { error: error.code, outcome: "not-applied", message: "not taken from the source" });
  }
}

export function versionOf(task: FetchFileTask): number {
  return Number(task.envelope.savedAt ?? 0n);
}

/** The task has the version that it may have been saved as. */
function savingFailure(error: unknown, task: FetchFileTask): Failure {
  const failure = toFailure(error);
  return failure.outcome === "unknown" ? { ...failure, version: versionOf(task) } : failure;
}

/** Anything but a TaskError is a bug, and ends the process. */
function toFailure(error: unknown): Failure {
  if (!isTaskError(error)) throw error;
  return { error: error.code, outcome: error.outcome, message: error.message.slice(0, 300) };
}

function requireKnown(task: FetchFileTask | OpaqueTask | undefined): FetchFileTask | undefined {
  if (task instanceof OpaqueTask) throw new Error(`a task of an unknown type: ${task.type}`);
  return task;
}
