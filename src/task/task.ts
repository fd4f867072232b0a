import type { OperationOptions } from "../adapter/adapter.js";
import { adviseOnClass, nameOf } from "../core/class-advice.js";
import { COPY, THIS_COPY, wrongType } from "../core/copies.js";
import { shorten } from "../core/describe-value.js";
import { isTaskError, TaskError } from "../core/errors.js";
import { packageVersion } from "../core/package-version.js";
import { typeNameOf } from "../core/type-url.js";
import { readOr } from "../core/values.js";
import { decodeEnvelope } from "../envelope/decode.js";
import { type Envelope, viewEnvelope } from "../envelope/envelope.js";
import { envelopeToHash, type FromHashOptions, hashToEnvelope, type TaskHash } from "../json/hash.js";
import { buildState, newState, splitOptions } from "./build.js";
import { defaultHome, maxTaskBytes } from "./default-home.js";
import {
  currentEnvelope,
  DataDecoder,
  encodeTask,
  fromEnvelope,
  fromState,
  schemaOf,
  typeMismatch,
} from "./task-envelope.js";
import { type ListOptions, setState, stateOf, type TaskHome, TaskState, versionOf } from "./task-state.js";
import type { AnySchema, BuildInit, BuildOptions, DataOf, ExecuteContext, TaskClass, TaskInit } from "./task-types.js";

/** A class whose tasks can be read: a generated one, one that extends it, or `Task` itself for any type. */
// biome-ignore lint/suspicious/noExplicitAny: constructor parameters are contravariant
export type ReadableClass = abstract new (...args: any[]) => Task;

/**
 * A task: its list and id, its data, and its envelope. Generated classes extend it with an accessor for
 * each field of the data. Its members are frozen, since any name may be that of a field.
 *
 *     const task = FetchFileTask.build({ taskList: "acme.com", id: "file1", filename: "file1.txt" });
 *     await task.save();
 *     …
 *     await task.complete();
 */
export abstract class Task<S extends AnySchema = AnySchema, ListField extends string = never> {
  /** Throws INVALID_KEY, KEY_CONFLICT, UNKNOWN_FIELD or INVALID_DATA. */
  constructor(init: TaskInit<S, ListField>, options?: BuildOptions) {
    setState(this, isState(init) ? init : newState(concrete(new.target), init, options));
  }

  /** The task list: 1 to 512 bytes of UTF-8 without NUL. */
  get taskList(): string {
    return stateOf(this).envelope.taskList;
  }

  /** The id, unique in its list: 1 to 512 bytes of UTF-8 without NUL. */
  get id(): string {
    return stateOf(this).envelope.id;
  }

  /** The data, a protobuf-es message. It may be changed; `save`, `toBinary` and `asHash` use its current state. */
  get data(): DataOf<S> {
    return stateOf(this).data as DataOf<S>;
  }

  /** The full name of the data's message. */
  get type(): string {
    return typeNameOf(stateOf(this).envelope.data.typeUrl);
  }

  /** When the task was built and saved, the attempt, and the headers, which may be added to. */
  get envelope(): Envelope {
    const state = stateOf(this);
    return viewEnvelope(state.envelope, versionOf(state));
  }

  /**
   * Saves the task durably, replacing what is stored under its list and id; resolves to itself. Throws TOO_LARGE,
   * NOT_CONFIGURED, and what the store throws; after an error whose `outcome` is `unknown`, saving again is safe.
   */
  async save(options?: OperationOptions): Promise<this> {
    await homeOf(this).save(this, options);
    return this;
  }

  /**
   * Removes the version that this task was saved or read as, and older ones; one that was saved later stays. Throws
   * NOT_SAVED if it has no version.
   */
  async complete(options?: OperationOptions): Promise<void> {
    await homeOf(this).complete(this, options);
  }

  /** Does the work. A class that extends the generated one overrides it; otherwise it throws NOT_IMPLEMENTED. */
  async execute(_context: ExecuteContext): Promise<unknown> {
    const advice = "extend its generated class, override execute, and register that class";
    throw new TaskError("NOT_IMPLEMENTED", `${this.type} has no execute: ${advice}`, {
      taskList: this.taskList,
      id: this.id,
    });
  }

  /** The task in its compact form: the bytes of a `taskledger.v1.TaskEnvelope`. Throws INVALID_DATA, TOO_LARGE. */
  toBinary(): Uint8Array<ArrayBuffer> {
    const bytes = encodeTask(this, maxTaskBytes(stateOf(this).home));
    // Small results share a buffer; what users are given is theirs, to be transferred or changed.
    return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
  }

  /** The task as a plain object that JSON can represent without loss. Throws INVALID_DATA. */
  asHash(): TaskHash {
    return envelopeToHash(currentEnvelope(this), schemaOf(this));
  }

  /** The same as `asHash`, for `JSON.stringify`. */
  toJSON(): TaskHash {
    return this.asHash();
  }

  /**
   * Builds a task from its list, its id and its data's fields in one object. Throws INVALID_KEY, KEY_CONFLICT,
   * AMBIGUOUS_BUILD, UNKNOWN_FIELD or INVALID_DATA, with the field's name.
   */
  static build<C extends TaskClass>(this: C, init: BuildInit<C>, options?: BuildOptions): InstanceType<C> {
    return fromState(this, buildState(concrete(this), init, options));
  }

  /** Builds a task and saves it. */
  static async create<C extends TaskClass<Task>>(
    this: C,
    init: BuildInit<C>,
    options: BuildOptions & OperationOptions = {},
  ): Promise<InstanceType<C>> {
    const [buildOptions, saveOptions] = splitOptions(options);
    const task = fromState(this, buildState(concrete(this), init, buildOptions));
    await task.save(saveOptions);
    return task;
  }

  /**
   * The open task with this id, or undefined. Called on `Task`, it returns a task of its registered class, or an
   * OpaqueTask; called on a task class, one of that class, and throws TYPE_MISMATCH if the task is of another type.
   */
  static async find<C extends ReadableClass>(
    this: C,
    taskList: string,
    id: string,
    options?: OperationOptions,
  ): Promise<InstanceType<C> | undefined> {
    const task = await defaultHome().find(taskList, id, options);
    return task && narrow(this, task as Task);
  }

  /**
   * The open tasks of a list, oldest first, read as they are asked for. Called on a task class, it skips tasks of other
   * types and those whose data does not decode; `Task.all` returns these as OpaqueTask.
   */
  static all<C extends ReadableClass>(
    this: C,
    taskList: string,
    options?: ListOptions,
  ): AsyncGenerator<InstanceType<C>, void, undefined> {
    return allOf(this, defaultHome().all(taskList, options) as AsyncGenerator<Task, void, undefined>);
  }

  /**
   * Reads `toBinary`'s bytes. Called on `Task`, it needs `configure`; called on a task class, it does not, and throws
   * TYPE_MISMATCH for another type. Throws INVALID_ENVELOPE, INVALID_DATA, TOO_LARGE.
   */
  static fromBinary<C extends ReadableClass>(this: C, bytes: Uint8Array): InstanceType<C> {
    if (!isConcrete(this)) return narrow(this, defaultHome().fromBinary(bytes) as Task);
    const decoder = new DataDecoder(this);
    const envelope = decodeEnvelope(bytes, maxTaskBytes(undefined), decoder);
    return fromEnvelope(this, envelope, undefined, decoder) as InstanceType<C>;
  }

  /**
   * Reads `asHash`'s object, as `fromBinary` reads bytes. Throws INVALID_HASH with the path of what is wrong, TYPE_MISMATCH,
   * and TOO_LARGE.
   */
  static fromHash<C extends ReadableClass>(this: C, hash: unknown, options?: FromHashOptions): InstanceType<C> {
    if (!isConcrete(this)) return narrow(this, defaultHome().fromHash(hash, options) as Task);
    const { schema, type } = this;
    const schemaOfType = (name: string) => {
      if (name !== type)
        throw new TaskError("TYPE_MISMATCH", `the hash is of type ${shorten(name)}, not ${type}`, { field: "data" });
      return schema;
    };
    return fromEnvelope(
      this,
      hashToEnvelope(hash, schemaOfType, maxTaskBytes(undefined), options),
      undefined,
    ) as InstanceType<C>;
  }
}

for (const each of [Task, Task.prototype])
  Object.defineProperties(each, { [COPY]: { value: packageVersion }, [THIS_COPY]: { value: true } });
Object.defineProperty(Task.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: Task, _depth: number, options: object, inspect: (value: unknown, options: object) => string) {
    const { taskList, id, data, envelope } = this;
    return `${this.constructor.name} ${inspect({ taskList, id, savedAt: envelope.savedAt, data }, options)}`;
  },
});

function isState(init: unknown): init is TaskState {
  try {
    return init instanceof TaskState;
  } catch {
    return false; // a proxy
  }
}

function homeOf(task: Task): TaskHome {
  return stateOf(task).home ?? defaultHome();
}

function isConcrete(value: unknown): value is TaskClass<Task> {
  return readOr(false, () => {
    const { type, schema } = (value ?? {}) as Partial<TaskClass>;
    return typeof type === "string" && typeof schema === "object";
  });
}

function concrete(value: unknown): TaskClass<Task> {
  if (isConcrete(value)) {
    if (!(value.prototype instanceof Task))
      throw wrongType(value, "a generated task class", "this", adviseOnClass(value));
    return value;
  }
  const name = nameOf(value) || "this";
  const advice = value === undefined ? "" : adviseOnClass(value);
  const message = `${name} has no type of its own: call it on the generated class of a task type${advice}`;
  throw new TaskError("UNSUPPORTED", message);
}

function isInstance<C extends ReadableClass>(task: Task, target: C): task is InstanceType<C> {
  return task instanceof target;
}

/** The task itself if it is of this class already; else one of the class with the same envelope. */
function narrow<C extends ReadableClass>(target: C, task: Task): InstanceType<C> {
  if (isInstance(task, target)) return task;
  if (!isConcrete(target)) throw typeMismatch(task, task.type, target.name);
  return fromEnvelope(target, currentEnvelope(task), stateOf(task).home) as InstanceType<C>;
}

async function* allOf<C extends ReadableClass>(
  target: C,
  tasks: AsyncGenerator<Task, void, undefined>,
): AsyncGenerator<InstanceType<C>, void, undefined> {
  for await (const task of tasks) {
    if (isInstance(task, target)) yield task;
    else if (isConcrete(target) && task.type === target.type) {
      const read = readAs(target, task);
      if (read) yield read;
    }
  }
}

/** Returns undefined if the data does not decode. */
function readAs<C extends ReadableClass>(target: C, task: Task): InstanceType<C> | undefined {
  try {
    return narrow(target, task);
  } catch (error) {
    if (isTaskError(error, "INVALID_DATA")) return undefined;
    throw error;
  }
}
