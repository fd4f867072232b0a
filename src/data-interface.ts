/// <reference lib="esnext.disposable" preserve="true"/>

import type { Adapter, OperationOptions } from "./adapter.js";
import { readBatch } from "./batch/batch.js";
import type { BatchOptions, FrameOptions } from "./batch/batch-limits.js";
import { readTaskFrames } from "./batch/task-frames.js";
import { type BulkFailure, type BulkOptions, performBatch, runInBatches } from "./bulk.js";
import type { ByteSource } from "./byte-source.js";
import { findDefaultHome, setDefaultHome } from "./default-home.js";
import { DEFAULT_MAX_TASK_BYTES } from "./envelope.js";
import { invalidArgument, TaskError } from "./errors.js";
import { type FromHashOptions, hashToEnvelope } from "./hash/hash.js";
import { checkKey, checkTaskList } from "./keys.js";
import { checkSavedBefore, type ListSource, listTasks, type Pages } from "./listing.js";
import { checkDuration, checkOperation, checkOptions } from "./options.js";
import { type Claim, endCompleted } from "./recovery/claim.js";
import { type ClaimOptions, claimsOf, claimVersion, withoutClaimed } from "./recovery/claiming.js";
import type { OpaqueTask } from "./task/opaque-task.js";
import { TaskTypeRegistry } from "./task/registry.js";
import { Task } from "./task/task.js";
import { completeEntry, saveEntry, settleComplete, settleSave } from "./task/task-entries.js";
import { decodeTask, readStoredTask, readTask } from "./task/task-reading.js";
import { type ListOptions, stateOf, type TaskHome } from "./task/task-state.js";
import type { BuildInit, BuildOptions, TaskClass, TaskOf } from "./task/task-types.js";
import { checkValidation, type Validate } from "./task/validation.js";
import { isPlainObject } from "./values.js";
import { dateToVersion } from "./version.js";

/** What an adapter builder is told of the data interface that it builds for. */
export interface AdapterBuilderOptions {
  readonly maxTaskBytes: number;
}

export type AdapterBuilder = (options: AdapterBuilderOptions) => Adapter;

interface InterfaceOptions<C extends TaskClass<Task>> {
  /** The classes that tasks are read as. Tasks of other types come as OpaqueTask. */
  readonly types: readonly C[];
  /** The largest envelope that may be saved, in bytes; 1 MiB by default. */
  readonly maxTaskBytes?: number | undefined;
  /**
   * Looks at the data of each task before it is saved, beyond what its schema says: by protovalidate, for one, see
   * docs/validation.md. Where it gives violations, saving throws INVALID_DATA with the field's path and the rule.
   */
  readonly validate?: Validate | undefined;
  /** Calls `validate` also for each task that is read; one with violations comes as an OpaqueTask. False by default. */
  readonly validateRead?: boolean | undefined;
}

/** The types, and the adapter, or how to build it when it is first needed. */
export type DataInterfaceOptions<C extends TaskClass<Task> = TaskClass<Task>> = InterfaceOptions<C> &
  (
    | { readonly adapter: Adapter; readonly adapterBuilder?: undefined }
    | { readonly adapterBuilder: AdapterBuilder; readonly adapter?: undefined }
  );

/**
 * An adapter and the task types it knows. Several can be in use at once; `configure` makes one that tasks go to which
 * belong to none.
 *
 *     await using tasks = new DataInterface({ types: [FetchFileTask], adapter: new LmdbAdapter({ path: "ledger" }) });
 *     await tasks.create(FetchFileTask, { taskList: "datto.com", filename: "file1.txt" });
 */
export class DataInterface<C extends TaskClass<Task> = TaskClass<Task>> implements TaskHome {
  readonly types: readonly C[];
  readonly maxTaskBytes: number;

  /** Throws DUPLICATE_TYPE, TYPE_MISMATCH, INVALID_ARGUMENT. */
  constructor(options: DataInterfaceOptions<C>) {
    if (!isPlainObject(options)) throw invalidArgument("options", "{ types, adapter }", options);
    const { types, maxTaskBytes = DEFAULT_MAX_TASK_BYTES, adapter, adapterBuilder } = options;
    const validation = checkValidation(options.validate, options.validateRead ?? false);
    checkMaxTaskBytes(maxTaskBytes);
    if (typeof adapterBuilder !== "function") checkAdapter("adapter", "an adapter", adapter);
    this.types = types;
    this.maxTaskBytes = maxTaskBytes;
    internals.set(this, {
      registry: new TaskTypeRegistry(types, validation),
      adapterBuilder,
      adapter,
      closing: undefined,
    });
  }

  /** The adapter; built now, if it has not been yet. Throws CLOSED where it is too late for that. */
  get adapter(): Adapter {
    const own = internalsOf(this);
    if (own.adapter === undefined && own.closing) throw new TaskError("CLOSED", "the data interface has been closed");
    if (own.adapter === undefined) {
      const built: unknown = own.adapterBuilder?.({ maxTaskBytes: this.maxTaskBytes });
      checkAdapter("adapterBuilder", "it to return an adapter", built);
      own.adapter = built;
    }
    return own.adapter;
  }

  /**
   * Saves a task, durably, over what is stored under its list and id; resolves to it. From then on it belongs to this
   * interface. Throws UNKNOWN_TYPE where its type is not registered here, INVALID_DATA, TOO_LARGE, and what the store
   * throws; after an error whose `outcome` is `unknown`, saving again is safe.
   */
  async save<T extends Task>(task: T, options: OperationOptions = {}): Promise<T> {
    checkOperation(options);
    const entry = saveEntry(task, this, registryOf(this));
    const error = settleSave(task, this, (await this.adapter.save([entry], options))[0]);
    if (error) throw error;
    return task;
  }

  /** Builds a task of a registered class and saves it. */
  async create<K extends C>(
    taskClass: K,
    init: BuildInit<K>,
    options?: BuildOptions & OperationOptions,
  ): Promise<InstanceType<K>> {
    const build = (Task as unknown as { build(init: unknown, options?: BuildOptions): Task }).build;
    return (await this.save(build.call(taskClass, init, options), options)) as InstanceType<K>;
  }

  /** The open task with this id, or undefined. */
  async find(
    taskList: string,
    id: string,
    options: OperationOptions = {},
  ): Promise<TaskOf<C> | OpaqueTask | undefined> {
    checkKey(taskList, id);
    checkOperation(options);
    const [bytes] = await this.adapter.find([{ taskList, id }], options);
    return bytes && (readStoredTask(bytes, { taskList, id }, this, registryOf(this)) as TaskOf<C>);
  }

  /**
   * The open tasks of a list, oldest first, read a page at a time as they are asked for. It gives every task that was
   * open before the first pull and stayed untouched until it was reached, and no version twice.
   */
  all(taskList: string, options: ListOptions = {}): AsyncGenerator<TaskOf<C> | OpaqueTask, void, undefined> {
    checkTaskList(taskList);
    checkOptions(options);
    const savedBefore = checkSavedBefore(options.savedBefore);
    const listing = listTasks(sourceOf(this, taskList), { savedBefore, signal: options.signal });
    return listing as AsyncGenerator<TaskOf<C>, void, undefined>;
  }

  /**
   * Removes the version that this task was saved or read as, and older ones. A task that is not there any more is no
   * error: the store cannot know whether it removed anything. Throws NOT_SAVED where the task has no version here.
   */
  async complete(task: Task, options: OperationOptions = {}): Promise<void> {
    checkOperation(options);
    const entry = completeEntry(task, this);
    const error = settleComplete((await this.adapter.complete([entry], options))[0]);
    if (error) throw error;
    const { claim } = stateOf(task);
    if (claim) await endCompleted(claim);
  }

  /**
   * Claims a task for a worker: while the claim lasts, no other owner is granted one. Undefined where another has it, where
   * it waits to be tried again, or where the version is not open any more. The task's envelope then has the attempt, and
   * completing the task ends the claim. Throws INVALID_ARGUMENT, NOT_SAVED, UNSUPPORTED, and what the store throws; a
   * claim of unknown outcome counts as not granted, and expires if it was.
   *
   *     const claim = await tasks.claim(task, { lease: 30_000 });
   *     if (claim) await task.execute({ signal: claim.signal }).then(() => tasks.complete(task));
   */
  async claim(task: Task, options: ClaimOptions = {}): Promise<Claim | undefined> {
    checkOperation(options);
    const claim = await claimVersion(claimsOf(this.adapter), completeEntry(task, this), options);
    if (claim === undefined) return undefined;
    const state = stateOf(task);
    state.envelope.attempt = claim.attempt;
    state.claim = claim;
    return claim;
  }

  /**
   * The open tasks of a list that were saved a while ago, oldest first, read as they are asked for; younger ones are not
   * read at all. With `unclaimed`, without those that somebody has claimed or that wait to be tried again.
   */
  stale(taskList: string, options: StaleOptions): AsyncGenerator<TaskOf<C> | OpaqueTask, void, undefined> {
    return listStale(this, taskList, options) as AsyncGenerator<TaskOf<C>, void, undefined>;
  }

  /** Saves the tasks of a source, no faster than the store takes them. Rejects with a BulkError. */
  async saveAll<T extends Task>(
    source: Iterable<T> | AsyncIterable<T>,
    options: SaveAllOptions<T> = {},
  ): Promise<number> {
    checkOptions(options);
    const registry = registryOf(this);
    const saveBatch = (batch: readonly T[]) =>
      performBatch(batch, {
        prepare: (task) => saveEntry(task, this, registry),
        perform: (entries) => this.adapter.save(entries, { signal: options.signal, isBulk: true }),
        settle: (task, outcome) => settleSave(task, this, outcome),
      });
    return runInBatches(source, saveBatch, { ...options, onDone: options.onSaved });
  }

  /** Completes the tasks of a source, no faster than the store takes them. Rejects with a BulkError. */
  async completeAll<T extends Task>(
    source: Iterable<T> | AsyncIterable<T>,
    options: CompleteAllOptions<T> = {},
  ): Promise<number> {
    checkOptions(options);
    const completeBatch = async (batch: readonly T[]) => {
      const failures = await performBatch(batch, {
        prepare: (task) => completeEntry(task, this),
        perform: (entries) => this.adapter.complete(entries, { signal: options.signal, isBulk: true }),
        settle: (_, outcome) => settleComplete(outcome),
      });
      await endClaims(batch, failures);
      return failures;
    };
    return runInBatches(source, completeBatch, { ...options, onDone: options.onCompleted });
  }

  /** Reads `toBinary`'s bytes. Throws INVALID_ENVELOPE, TOO_LARGE. */
  fromBinary(bytes: Uint8Array): TaskOf<C> | OpaqueTask {
    return decodeTask(bytes, this.maxTaskBytes, this, registryOf(this)) as TaskOf<C>;
  }

  /** Reads `asHash`'s object. Throws INVALID_HASH with the path of what is wrong, and UNKNOWN_TYPE. */
  fromHash(hash: unknown, options?: FromHashOptions): TaskOf<C> | OpaqueTask {
    const registry = registryOf(this);
    const envelope = hashToEnvelope(hash, (type) => registry.get(type)?.schema, options);
    return readTask(envelope, this, registry) as TaskOf<C>;
  }

  /** Reads `toBatch`'s bytes: all its tasks, in order. Throws INVALID_BATCH, INVALID_ENVELOPE, TOO_LARGE. */
  fromBatch(bytes: Uint8Array, options: BatchOptions = {}): (TaskOf<C> | OpaqueTask)[] {
    return readBatch(bytes, options, registryOf(this), this) as TaskOf<C>[];
  }

  /** Reads a stream of frames, as `encodeFrames` makes it, like the function of this name. */
  decodeFrames(
    source: ByteSource,
    options: FrameOptions = {},
  ): AsyncGenerator<TaskOf<C> | OpaqueTask, void, undefined> {
    return readTaskFrames(source, options, registryOf(this), this) as AsyncGenerator<TaskOf<C>, void, undefined>;
  }

  /** Waits for what is under way, and closes the adapter. Idempotent. */
  close(): Promise<void> {
    const own = internalsOf(this);
    if (findDefaultHome() === this) setDefaultHome(undefined);
    own.closing ??= Promise.resolve(own.adapter?.close());
    return own.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

export interface SaveAllOptions<T> extends Omit<BulkOptions<T>, "onDone"> {
  /** Called for each task once the store has acknowledged it. */
  readonly onSaved?: ((task: T) => void) | undefined;
}

export interface CompleteAllOptions<T> extends Omit<BulkOptions<T>, "onDone"> {
  /** Called for each task once the store has acknowledged it. */
  readonly onCompleted?: ((task: T) => void) | undefined;
}

export interface StaleOptions extends OperationOptions {
  /** In milliseconds. */
  readonly olderThan: number;
  /** Leaves out tasks that are claimed, or wait to be tried again, as far as is known when they are read. */
  readonly unclaimed?: boolean | undefined;
}

interface Internals {
  readonly registry: TaskTypeRegistry;
  readonly adapterBuilder: AdapterBuilder | undefined;
  adapter: Adapter | undefined;
  closing: Promise<void> | undefined;
}

/** Beside the objects, since a `#private` member would make the classes of two installed copies unrelated types. */
const internals = new WeakMap<object, Internals>();

function internalsOf(tasks: object): Internals {
  return internals.get(tasks) as Internals;
}

function registryOf(tasks: object): TaskTypeRegistry {
  return internalsOf(tasks).registry;
}

function sourceOf(tasks: DataInterface, taskList: string): ListSource {
  return { home: tasks, registry: registryOf(tasks), taskList };
}

/** As `stale`; while `isContested`, tasks that were saved at about the same time come in a random order. */
export function listStale(
  tasks: DataInterface,
  taskList: string,
  options: StaleOptions,
  isContested: () => boolean = () => false,
): AsyncGenerator<Task, void, undefined> {
  checkTaskList(taskList);
  checkOptions(options);
  const { olderThan, unclaimed = false, signal } = options;
  checkDuration("olderThan", olderThan);
  // Ages are in milliseconds, and the one that has begun counts: nothing is younger than 0.
  const savedBefore = dateToVersion(new Date(Math.floor(Date.now() - olderThan) + 1));
  const claims = unclaimed ? claimsOf(tasks.adapter) : undefined;
  const filter = claims && ((pages: Pages) => withoutClaimed(claims, pages, isContested, signal));
  return listTasks(sourceOf(tasks, taskList), { savedBefore, signal, filter });
}

/** Of the tasks of a batch that have been completed. */
async function endClaims(batch: readonly Task[], failures: readonly BulkFailure<Task>[]): Promise<void> {
  const failed = new Set(failures.map(({ task }) => task));
  const claims = batch.flatMap((task) => (failed.has(task) ? [] : (stateOf(task).claim ?? [])));
  await Promise.all(claims.map(endCompleted));
}

const adapterMethods = ["open", "save", "find", "all", "complete", "close"] as const;

function checkAdapter(field: string, expected: string, value: unknown): asserts value is Adapter {
  const members = Object(value) as Record<string, unknown>;
  if (adapterMethods.every((name) => typeof members[name] === "function")) return;
  const advice = typeof members.then === "function" ? "; await it first" : "";
  throw invalidArgument(field, `${expected} (${adapterMethods.join(", ")})`, value, advice);
}

function checkMaxTaskBytes(value: unknown): void {
  if (typeof value === "number" && value >= 1) return;
  throw invalidArgument("maxTaskBytes", "a number of bytes", value);
}
