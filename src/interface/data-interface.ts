/// <reference lib="esnext.disposable" preserve="true"/>
import type { Adapter, OperationOptions } from "../adapter/adapter.js";
import { readBatch } from "../batch/batch.js";
import { readTaskFrames } from "../batch/task-frames.js";
import { claimsOf } from "../claims/checked-claims.js";
import { type Claim, endCompleted } from "../claims/claim.js";
import { type ClaimInfo, type ClaimOptions, claimInfoOf, claimVersion } from "../claims/claiming.js";
import { checkFunction, noOptions, operationOptions, readOperation, readOptions } from "../core/arguments.js";
import type { ByteSource } from "../core/byte-source.js";
import { TaskError } from "../core/errors.js";
import { checkDistinct, checkKey, checkTaskList, readKey, type TaskKey } from "../core/keys.js";
import { readArray } from "../core/read-from.js";
import { callStore, callStoreForOne } from "../core/store-error.js";
import { type FromHashOptions, hashToEnvelope } from "../json/hash.js";
import type { BatchOptions, FrameOptions } from "../task/batch-options.js";
import { splitOptions } from "../task/build.js";
import { findDefaultHome, setDefaultHome } from "../task/default-home.js";
import type { OpaqueTask } from "../task/opaque-task.js";
import { TaskTypeRegistry } from "../task/registry.js";
import { Task } from "../task/task.js";
import { completeEntry, saveEntry, settleComplete, settleSave } from "../task/task-entries.js";
import { decodeTask, readTask } from "../task/task-reading.js";
import { type ListOptions, stateOf, type TaskHome } from "../task/task-state.js";
import type { BuildInit, BuildOptions, TaskClass, TaskOf } from "../task/task-types.js";
import { type BulkFailure, type BulkOptions, performBatch, runInBatches } from "./bulk.js";
import { findStored } from "./find-stored.js";
import { buildAdapter, type DataInterfaceOptions, readInterfaceOptions } from "./interface-options.js";
import { interfaceState, registryOf, setInterfaceState } from "./interface-state.js";
import { listTasks, readListOptions } from "./listing.js";
import { type ListStats, listNames, readStats, type StatsOptions } from "./lists.js";
import { listStale, type StaleOptions } from "./stale.js";

/** Allows any class that is among the types of an interface; otherwise a sentence for the compiler to print. */
type Registered<K extends TaskClass, C extends TaskClass> = [K] extends [C]
  ? unknown
  : `${K["type"]} is not among the types of this data interface`;

/**
 * An adapter and the task types it knows. Several can be in use at once; `configure` creates the default one, used by
 * tasks that are not bound to another.
 *
 *     await using tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path: "ledger.db" }) });
 *     await tasks.create(FetchFileTask, { taskList: "acme.com", filename: "file1.txt" });
 */
export class DataInterface<C extends TaskClass<Task> = TaskClass<Task>> implements TaskHome {
  /** The classes that tasks are read as. */
  readonly types: readonly C[];
  /** Maximum size of an envelope, in bytes. */
  readonly maxTaskBytes: number;

  /** Throws DUPLICATE_TYPE, TYPE_MISMATCH, INVALID_ARGUMENT. */
  constructor(options: DataInterfaceOptions<C>) {
    const { types, maxTaskBytes, validation, ...own } = readInterfaceOptions(options);
    this.types = types;
    this.maxTaskBytes = maxTaskBytes;
    setInterfaceState(this, {
      registry: new TaskTypeRegistry(types, validation),
      ...own,
      closing: undefined,
    });
  }

  /** The adapter; built on first access. Throws CLOSED if the data interface was closed before it was built. */
  get adapter(): Adapter {
    const own = interfaceState(this);
    if (own.adapter === undefined && own.closing) throw new TaskError("CLOSED", "the data interface has been closed");
    if (own.adapter === undefined) {
      own.adapter = buildAdapter(own.adapterBuilder, { maxTaskBytes: this.maxTaskBytes });
    }
    return own.adapter;
  }

  /**
   * Saves a task durably, replacing what is stored under its list and id; resolves to it. From then on it is bound to this
   * interface. Throws UNKNOWN_TYPE if its type is not registered here, INVALID_DATA, TOO_LARGE, and what the store
   * throws; after an error whose `outcome` is `unknown`, saving again is safe.
   */
  async save<T extends Task>(task: T, options: OperationOptions = noOptions): Promise<T> {
    const operation = readOperation(options, operationOptions);
    const entry = saveEntry(task, this, registryOf(this));
    const { adapter } = this;
    const outcome = await callStoreForOne("unknown", () => adapter.save([entry], operation));
    const error = settleSave(task, this, outcome);
    if (error) throw error;
    return task;
  }

  /**
   * Saves all of the tasks or none, also of different lists: for example a task and those that follow from it. For stores with
   * transactions (memory, SQLite); others throw UNSUPPORTED. Throws KEY_CONFLICT if two have the same list and id; and what
   * `save` throws, for the first that can't be saved.
   */
  async saveTogether(tasks: readonly Task[], options: OperationOptions = {}): Promise<void> {
    const operation = readOperation(options, operationOptions);
    const registry = registryOf(this);
    const given: Task[] = [];
    const entries = readArray("tasks", "an array of tasks", tasks, (task) => {
      const entry = saveEntry(task as Task, this, registry);
      given.push(task as Task);
      return entry;
    });
    checkDistinct(entries);
    const { adapter } = this;
    if (adapter.saveTogether === undefined)
      throw new TaskError("UNSUPPORTED", "this store can't save several tasks in one step: it has no transactions");
    const versions = await callStore("unknown", () => adapter.saveTogether?.(entries, operation));
    for (const [i, task] of given.entries()) {
      const value = versions?.[i];
      const error = settleSave(task, this, value === undefined ? undefined : { ok: true, value });
      if (error) throw error;
    }
  }

  /** Builds a task of a registered class and saves it. */
  async create<K extends TaskClass<Task>>(
    taskClass: K & Registered<K, C>,
    init: BuildInit<K>,
    options: BuildOptions & OperationOptions = {},
  ): Promise<InstanceType<K>> {
    const [buildOptions, saveOptions] = splitOptions(options);
    const build = (Task as unknown as { build(init: unknown, options?: BuildOptions): Task }).build;
    return (await this.save(build.call(taskClass, init, buildOptions), saveOptions)) as InstanceType<K>;
  }

  /**
   * The open task with this id, or undefined: of its registered class, or an OpaqueTask. `instanceof` tells which it is;
   * `type` does once OpaqueTask is ruled out, since an opaque task may be of a registered type, too. Throws INVALID_KEY,
   * INVALID_ENVELOPE, and what the store throws.
   */
  async find(
    taskList: string,
    id: string,
    options: OperationOptions = noOptions,
  ): Promise<TaskOf<C> | OpaqueTask | undefined> {
    checkKey(taskList, id);
    const operation = readOperation(options, operationOptions);
    return (await findStored(this, { taskList, id }, operation)) as TaskOf<C> | undefined;
  }

  /**
   * The open tasks of a list, oldest first, read a page at a time as they are asked for. Returns every task that
   * was open before the first pull and unchanged until it was reached, and no version twice.
   */
  all(taskList: string, options: ListOptions = {}): AsyncGenerator<TaskOf<C> | OpaqueTask, void, undefined> {
    checkTaskList(taskList);
    const listing = listTasks({ home: this, registry: registryOf(this), taskList }, readListOptions(options));
    return listing as AsyncGenerator<TaskOf<C>, void, undefined>;
  }

  /**
   * Removes the version that this task was saved or read as, and older ones. A missing task is not an error: the
   * store can't know whether it removed anything. Throws NOT_SAVED if the task has no version here.
   */
  async complete(task: Task, options: OperationOptions = noOptions): Promise<void> {
    const operation = readOperation(options, operationOptions);
    const entry = completeEntry(task, this);
    const { adapter } = this;
    const outcome = await callStoreForOne("unknown", () => adapter.complete([entry], operation));
    const error = settleComplete(outcome);
    if (error) throw error;
    const { claim } = stateOf(task);
    if (claim) await endCompleted(claim);
  }

  /**
   * Claims a task for a worker: while the claim lasts, no other owner is granted one. Resolves to undefined if another has
   * claimed it, if it waits to be tried again, or if the version is not open any more. The task's envelope then has the attempt,
   * and completing the task ends the claim. Throws INVALID_ARGUMENT, NOT_SAVED, UNSUPPORTED, and what the store throws; a
   * claim of unknown outcome counts as not granted, and expires if it was.
   *
   *     const claim = await tasks.claim(task, { lease: 30_000 });
   *     if (claim) await task.execute({ signal: claim.signal }).then(() => tasks.complete(task));
   */
  async claim(task: Task, options: ClaimOptions = {}): Promise<Claim | undefined> {
    const request = readOperation(options, { owner: true, lease: true, signal: true });
    const claim = await claimVersion(claimsOf(this.adapter), completeEntry(task, this), request);
    if (claim === undefined) return undefined;
    const state = stateOf(task);
    state.envelope.attempt = claim.attempt;
    state.claim = claim;
    return claim;
  }

  /**
   * The state of the claims to a task: who has claimed it and until when, how often it was tried, and how long it waits.
   * Resolves to undefined if it was never claimed. Throws UNSUPPORTED if the store has no claims, and what the store throws.
   */
  async claimState(task: TaskKey, options: OperationOptions = {}): Promise<ClaimInfo | undefined> {
    const operation = readOperation(options, operationOptions);
    const { taskList, id } = readKey("task", task);
    const claims = claimsOf(this.adapter);
    const [state] = await claims.states([{ taskList, id } as TaskKey], operation);
    return state && claimInfoOf(state);
  }

  /**
   * The names of the lists that have open tasks, in no order. Lists whose last tasks have just been completed may be
   * included. Throws UNSUPPORTED if the store can't list them, and what the store throws.
   */
  async *lists(options: OperationOptions = {}): AsyncGenerator<string, void, undefined> {
    const operation = readOperation(options, operationOptions);
    yield* listNames(this.adapter, operation);
  }

  /** Statistics of a list: how many tasks are open, since when, and the state of their claims. No data is read. */
  async stats(taskList: string, options: StatsOptions = {}): Promise<ListStats> {
    return readStats(this.adapter, taskList, options);
  }

  /**
   * The open tasks of a list that have a minimum age, oldest first, read as they are asked for; younger ones are not read. With
   * `unclaimed`, tasks that are claimed or wait to be tried again are skipped.
   */
  stale(taskList: string, options: StaleOptions): AsyncGenerator<TaskOf<C> | OpaqueTask, void, undefined> {
    return listStale(this, taskList, options) as AsyncGenerator<TaskOf<C>, void, undefined>;
  }

  /** Saves the tasks of a source, with backpressure; resolves to their number. Rejects with a BulkError. */
  async saveAll<T extends Task>(
    source: Iterable<T> | AsyncIterable<T>,
    options: SaveAllOptions<T> = {},
  ): Promise<number> {
    const { onSaved, ...bulk } = readOptions(options, { ...bulkOptions, onSaved: true });
    checkFunction("onSaved", onSaved);
    const registry = registryOf(this);
    const saveBatch = (batch: readonly T[]) =>
      performBatch(batch, {
        prepare: (task) => saveEntry(task, this, registry),
        perform: (entries) => this.adapter.save(entries, { signal: bulk.signal, isBulk: true }),
        settle: (task, outcome) => settleSave(task, this, outcome),
      });
    return runInBatches(source, saveBatch, { ...bulk, onDone: onSaved });
  }

  /** Completes the tasks of a source, with backpressure; resolves to their number. Rejects with a BulkError. */
  async completeAll<T extends Task>(
    source: Iterable<T> | AsyncIterable<T>,
    options: CompleteAllOptions<T> = {},
  ): Promise<number> {
    const { onCompleted, ...bulk } = readOptions(options, { ...bulkOptions, onCompleted: true });
    checkFunction("onCompleted", onCompleted);
    const completeBatch = async (batch: readonly T[]) => {
      const failures = await performBatch(batch, {
        prepare: (task) => completeEntry(task, this),
        perform: (entries) => this.adapter.complete(entries, { signal: bulk.signal, isBulk: true }),
        settle: (_, outcome) => settleComplete(outcome),
      });
      await endClaims(batch, failures);
      return failures;
    };
    return runInBatches(source, completeBatch, { ...bulk, onDone: onCompleted });
  }

  /** Reads `toBinary`'s bytes. Throws INVALID_ENVELOPE, TOO_LARGE. */
  fromBinary(bytes: Uint8Array): TaskOf<C> | OpaqueTask {
    return decodeTask(bytes, this.maxTaskBytes, this, registryOf(this)) as TaskOf<C>;
  }

  /** Reads `asHash`'s object. Throws INVALID_HASH with the path of what is wrong, UNKNOWN_TYPE, and TOO_LARGE. */
  fromHash(hash: unknown, options?: FromHashOptions): TaskOf<C> | OpaqueTask {
    const registry = registryOf(this);
    const envelope = hashToEnvelope(hash, (type) => registry.get(type)?.schema, this.maxTaskBytes, options);
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

  /** Waits for operations in flight, and closes the adapter. Idempotent. */
  close(): Promise<void> {
    const own = interfaceState(this);
    if (findDefaultHome() === this) setDefaultHome(undefined);
    own.closing ??= callStore("not-applied", async () => {
      await own.adapter?.close();
    });
    return own.closing;
  }

  /** Closes the data interface: `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Options of `DataInterface.saveAll`. */
export interface SaveAllOptions<T> extends Omit<BulkOptions<T>, "onDone"> {
  /** Called, and awaited, for each task once the store has acknowledged it. If it throws or rejects, the run stops. */
  readonly onSaved?: ((task: T) => unknown) | undefined;
}

/** Options of `DataInterface.completeAll`. */
export interface CompleteAllOptions<T> extends Omit<BulkOptions<T>, "onDone"> {
  /** Called, and awaited, for each task once the store has acknowledged it. If it throws or rejects, the run stops. */
  readonly onCompleted?: ((task: T) => unknown) | undefined;
}

const bulkOptions = { concurrency: true, batchSize: true, signal: true } as const;

/** Ends the claims of the completed tasks of a batch. */
async function endClaims(batch: readonly Task[], failures: readonly BulkFailure<Task>[]): Promise<void> {
  const failed = new Set(failures.map(({ task }) => task));
  const claims = batch.flatMap((task) => (failed.has(task) ? [] : (stateOf(task).claim ?? [])));
  await Promise.all(claims.map(endCompleted));
}
