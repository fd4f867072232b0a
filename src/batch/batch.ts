import { checkCount, readOptions } from "../core/arguments.js";
import { isTask } from "../core/copies.js";
import { invalidArgument } from "../core/errors.js";
import { adviseToAwait } from "../core/promises.js";
import { checkResult, isIterable, iteratorOf } from "../core/pull-source.js";
import { readOr } from "../core/values.js";
import type { BatchOptions } from "../task/batch-options.js";
import { defaultHome, maxTaskBytes } from "../task/default-home.js";
import type { OpaqueTask } from "../task/opaque-task.js";
import { TaskTypeRegistry } from "../task/registry.js";
import type { Task } from "../task/task.js";
import { currentData } from "../task/task-envelope.js";
import { dataReaderOf, readTask } from "../task/task-reading.js";
import { stateOf, type TaskHome } from "../task/task-state.js";
import type { TaskClass, TaskOf } from "../task/task-types.js";
import { decodeBatch } from "./batch-decoding.js";
import { BatchEncoder, type BatchRow, toRow } from "./batch-encoding.js";
import { BATCH_OVERHEAD_BYTES, checkBatchTasks } from "./batch-limits.js";

/** Options of {@link fromBatch}. */
export interface FromBatchOptions<C extends TaskClass<Task> = TaskClass<Task>> extends BatchOptions {
  /** The classes that tasks are read as. @defaultValue those of the configured data interface */
  readonly types?: readonly C[] | undefined;
}

/**
 * Tasks in one compact message, the bytes of a `taskledger.v1.TaskBatch`; in a batch of a thousand small tasks, each takes about
 * 75 bytes. Throws INVALID_DATA, and TOO_LARGE for a task over its limit, for more than 10,000 tasks, and over
 * `maxBatchBytes`; `encodeFrames` makes as many batches as are needed.
 *
 *     queue.send(toBatch(await tasks.…));
 */
export function toBatch(tasks: Iterable<Task>, options: BatchOptions = {}): Uint8Array<ArrayBuffer> {
  const maxBytes = maxBatchBytes(options);
  const encoder = new BatchEncoder();
  for (const task of iterableOf(tasks)) {
    encoder.add(rowOf(task));
    checkBatchTasks(encoder.count);
  }
  return encoder.encode(maxBytes, false);
}

function adviseOnBatch(value: unknown): string {
  if (isTask(value)) return "; one goes into an array: [task]";
  return isIterable(value) ? "; from an async iterable, encodeFrames makes batches" : adviseToAwait(value);
}

function iterableOf(tasks: Iterable<Task>): Iterable<Task> {
  if (!readOr(false, () => typeof Object(tasks)[Symbol.iterator] === "function"))
    throw invalidArgument("tasks", "an iterable of tasks", tasks, adviseOnBatch(tasks));
  const iterator = iteratorOf(tasks) as Iterator<Task>;
  const next = () => checkResult(iterator.next());
  return { [Symbol.iterator]: () => ({ next, return: () => iterator.return?.() ?? { done: true, value: undefined } }) };
}

/** A task's entries in a batch, as it is now. Throws INVALID_DATA, TOO_LARGE, TYPE_MISMATCH. */
export function rowOf(task: Task): BatchRow {
  const { envelope, home } = stateOf(task);
  return toRow(envelope, currentData(task), maxTaskBytes(home));
}

/**
 * Reads `toBatch`'s bytes: all tasks, in order, each of its class or as an OpaqueTask. With `types` no data interface is
 * needed. Throws INVALID_BATCH, INVALID_ENVELOPE, TOO_LARGE, NOT_CONFIGURED.
 *
 *     const tasks = fromBatch(bytes, { types: [FetchFileTask] });
 */
export function fromBatch<C extends TaskClass<Task> = TaskClass<Task>>(
  bytes: Uint8Array,
  options: FromBatchOptions<C> = {},
): (TaskOf<C> | OpaqueTask)[] {
  const { types, ...limits } = readOptions(options, { types: true, maxBatchBytes: true });
  if (types === undefined) return defaultHome().fromBatch(bytes, limits) as TaskOf<C>[];
  return readBatch(bytes, limits, new TaskTypeRegistry(types), undefined) as TaskOf<C>[];
}

export function readBatch(
  bytes: Uint8Array,
  options: BatchOptions,
  registry: TaskTypeRegistry,
  home: TaskHome | undefined,
): Task[] {
  const reader = dataReaderOf(registry);
  const tasks: Task[] = [];
  const next = decodeBatch(bytes, maxBatchBytes(options, home), reader);
  for (let envelope = next(); envelope; envelope = next()) tasks.push(readTask(envelope, home, registry, reader));
  return tasks;
}

/** Throws INVALID_ARGUMENT if the limit is not a whole number from 1. */
export function maxBatchBytes(options: BatchOptions, home?: TaskHome): number {
  const { maxBatchBytes } = readOptions(options, { maxBatchBytes: true });
  if (maxBatchBytes === undefined) return maxTaskBytes(home) + BATCH_OVERHEAD_BYTES;
  checkCount("maxBatchBytes", maxBatchBytes);
  return maxBatchBytes;
}
