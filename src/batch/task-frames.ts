import { checkSignal, throwIfAborted } from "../core/abort.js";
import { checkCount, type OptionNames, readOptions } from "../core/arguments.js";
import type { ByteSource } from "../core/byte-source.js";
import { isBatch } from "../core/bytes-advice.js";
import { invalidArgument } from "../core/errors.js";
import { Flattened } from "../core/flattened.js";
import { NOT_READY, SourceReader, supplyOf } from "../core/pull-source.js";
import { decodeEnvelope } from "../envelope/decode.js";
import type { FrameOptions } from "../task/batch-options.js";
import { defaultHome, maxTaskBytes } from "../task/default-home.js";
import type { OpaqueTask } from "../task/opaque-task.js";
import { TaskTypeRegistry } from "../task/registry.js";
import type { Task } from "../task/task.js";
import { dataReaderOf, readTask } from "../task/task-reading.js";
import type { TaskHome } from "../task/task-state.js";
import type { TaskClass, TaskOf } from "../task/task-types.js";
import { maxBatchBytes, rowOf } from "./batch.js";
import { decodeBatch } from "./batch-decoding.js";
import { BatchEncoder } from "./batch-encoding.js";
import { MAX_BATCH_TASKS } from "./batch-limits.js";
import { readFrames } from "./frames.js";

/** Options of {@link encodeFrames}. */
export interface EncodeFramesOptions extends FrameOptions {
  /** Maximum number of tasks in a frame; at most 10,000. @defaultValue 1,000 */
  readonly maxBatchTasks?: number | undefined;
}

/** Options of {@link decodeFrames}. */
export interface DecodeFramesOptions<C extends TaskClass<Task> = TaskClass<Task>> extends FrameOptions {
  /** The classes that tasks are read as. @defaultValue those of the configured data interface */
  readonly types?: readonly C[] | undefined;
}

const frameOptions: OptionNames<FrameOptions> = { maxBatchBytes: true, signal: true };

/**
 * Tasks as a stream of frames, each a batch after its length: for a socket, a file, or the body of a request. It pulls tasks
 * as frames are asked for. A frame is sent when it is full, by its bytes or its tasks, or when the source has nothing ready, so
 * that a slow source is not delayed. Throws INVALID_DATA, TOO_LARGE, ABORTED, INVALID_ARGUMENT, and what the source throws; if
 * it is left early, it closes the source.
 *
 *     await pipeline(encodeFrames(tasks.all("acme.com")), socket);
 */
export function encodeFrames(
  source: Iterable<Task> | AsyncIterable<Task>,
  options: EncodeFramesOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const { maxBatchTasks = 1000, signal, ...limits } = readOptions(options, { ...frameOptions, maxBatchTasks: true });
  const maxBytes = maxBatchBytes(limits);
  checkCount("maxBatchTasks", maxBatchTasks);
  if (maxBatchTasks > MAX_BATCH_TASKS)
    throw invalidArgument("maxBatchTasks", `at most ${MAX_BATCH_TASKS}`, maxBatchTasks);
  checkSignal(signal);
  return framesOf(source, maxBytes, maxBatchTasks, signal);
}

async function* framesOf(
  source: Iterable<Task> | AsyncIterable<Task>,
  maxBytes: number,
  maxTasks: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const tasks = new SourceReader(supplyOf(source), signal);
  let batch = new BatchEncoder();
  const leave = () => {
    const frame = batch.encode(maxBytes, true);
    batch = new BatchEncoder();
    return frame;
  };
  try {
    for (;;) {
      const pulled = tasks.next(batch.count > 0);
      const next = "then" in pulled ? await pulled : pulled;
      if (next === NOT_READY) {
        yield leave();
        continue;
      }
      if (next.done) break;
      const row = rowOf(next.value);
      if (batch.count > 0 && batch.maxBytesWith(row) > maxBytes) yield leave();
      batch.add(row);
      if (batch.count === maxTasks) yield leave();
    }
    if (batch.count > 0) yield leave();
  } finally {
    await tasks.close();
  }
}

/**
 * Reads a stream of frames: batches, as `encodeFrames` makes them, and single tasks (`toBinary`), in order, each task of
 * its class or as an OpaqueTask. It reads only as tasks are asked for, and allocates no memory for a frame over the limit.
 * With `types`, no data interface is needed. Throws, after all tasks before it, TRUNCATED if the stream ends inside a frame,
 * INVALID_BATCH, INVALID_ENVELOPE, TOO_LARGE, ABORTED, and what the source throws. It always closes the source: a stream is
 * destroyed, unless it has ended.
 *
 *     for await (const task of decodeFrames(socket, { types: [FetchFileTask] })) …
 */
export function decodeFrames<C extends TaskClass<Task> = TaskClass<Task>>(
  source: ByteSource,
  options: DecodeFramesOptions<C> = {},
): AsyncGenerator<TaskOf<C> | OpaqueTask, void, undefined> {
  const { types, ...rest } = readOptions(options, { ...frameOptions, types: true });
  const tasks = types
    ? readTaskFrames(source, rest, new TaskTypeRegistry(types), undefined)
    : defaultHome().decodeFrames(source, rest);
  return tasks as AsyncGenerator<TaskOf<C>, void, undefined>;
}

/** The same for a registry, and for tasks that are bound to `home`. */
export function readTaskFrames(
  source: ByteSource,
  options: FrameOptions,
  registry: TaskTypeRegistry,
  home: TaskHome | undefined,
): AsyncGenerator<Task, void, undefined> {
  const { signal, ...limits } = readOptions(options, frameOptions);
  const maxBytes = maxBatchBytes(limits, home);
  checkSignal(signal);
  const reader = dataReaderOf(registry);
  const tasksIn = function* (frames: Iterable<Uint8Array>) {
    for (const frame of frames) {
      const next = isBatch(frame)
        ? decodeBatch(frame, maxBytes, reader)
        : once(() => decodeEnvelope(frame, maxTaskBytes(home), reader));
      for (let envelope = next(); envelope; envelope = next()) {
        throwIfAborted(signal);
        yield readTask(envelope, home, registry, reader);
      }
    }
  };
  return new Flattened(listsOf(readFrames(source, maxBytes, signal), tasksIn));
}

function once<T>(act: () => T): () => T | undefined {
  let isDone = false;
  return () => {
    if (isDone) return undefined;
    isDone = true;
    return act();
  };
}

async function* listsOf(
  frames: AsyncIterable<Iterable<Uint8Array>>,
  tasksIn: (frames: Iterable<Uint8Array>) => Iterable<Task>,
): AsyncGenerator<Iterable<Task>, void, undefined> {
  for await (const each of frames) yield tasksIn(each);
}
