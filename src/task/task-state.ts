import type { Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { TaskEnvelope } from "../../gen/taskledger/v1/envelope_pb.js";
import type { OperationOptions } from "../adapter/adapter.js";
import type { Claim } from "../claims/claim.js";
import type { ByteSource } from "../core/byte-source.js";
import { adviseOnTask } from "../core/class-advice.js";
import { THIS_COPY, wrongType } from "../core/copies.js";
import type { TaskKey } from "../core/keys.js";
import { type Version, versionToTimestamp } from "../core/version.js";
import { savedAtOf } from "../envelope/envelope.js";
import type { FromHashOptions } from "../json/hash.js";
import type { BatchOptions, FrameOptions } from "./batch-options.js";

/** The part of a task that is used here. */
export interface AnyTask extends TaskKey {
  readonly type: string;
}

/** The part of a data interface that its tasks use. */
export interface TaskHome {
  readonly maxTaskBytes: number;
  save(task: AnyTask, options?: OperationOptions): Promise<unknown>;
  complete(task: AnyTask, options?: OperationOptions): Promise<void>;
  find(taskList: string, id: string, options?: OperationOptions): Promise<AnyTask | undefined>;
  all(taskList: string, options?: ListOptions): AsyncGenerator<AnyTask, void, undefined>;
  fromBinary(bytes: Uint8Array): AnyTask;
  fromHash(hash: unknown, options?: FromHashOptions): AnyTask;
  fromBatch(bytes: Uint8Array, options?: BatchOptions): readonly AnyTask[];
  decodeFrames(source: ByteSource, options?: FrameOptions): AsyncGenerator<AnyTask, void, undefined>;
}

/** Options of a listing. */
export interface ListOptions extends OperationOptions {
  /** Only tasks saved before this moment. */
  readonly savedBefore?: Date | Version | undefined;
  /** Only versions later than this one: to continue after the last task of an earlier listing (`task.envelope.savedAt`). */
  readonly after?: Version | undefined;
  /** Maximum number of tasks. The store is not asked for more. @defaultValue no limit */
  readonly limit?: number | undefined;
}

/** The state of a task. `data` is the decoded message; the data in the envelope is what it was read with. */
export class TaskState {
  readonly envelope: TaskEnvelope & { data: Any };
  readonly data: Message;
  home: TaskHome | undefined;
  /** The claim under which the task is being done in this process; completing the task ends it. */
  claim: Claim | undefined = undefined;
  /** The version under which a store has it, if that is one that no clock can have made, and no envelope can hold. */
  oddVersion: Version | undefined = undefined;
  /** Versions older than the task's own that a save of unknown outcome may have left in the store. */
  replaced: readonly Version[] = none;

  constructor(envelope: TaskEnvelope & { data: Any }, data: Message, home: TaskHome | undefined) {
    this.envelope = envelope;
    this.data = data;
    this.home = home;
  }
}

/** Shared by all tasks without such versions. */
const none: readonly Version[] = [];

/**
 * Tasks keep their state under a symbol, since every string is a name that a data field may have; and not under a
 * `#private` one, since that would make the classes of two installed copies unrelated types.
 */
const STATE = Symbol("taskledger.state");

/** No field is called so. */
const NOT_CLONEABLE = "not cloneable";

/** Makes structuredClone and postMessage throw: they would make an empty object of a task. */
const cloningError = Symbol("a task can't be cloned: hand over task.toBinary()");

export function setState(task: AnyTask, state: TaskState): void {
  const members = task as unknown as { [STATE]: TaskState; [NOT_CLONEABLE]: symbol };
  members[STATE] = state;
  members[NOT_CLONEABLE] = cloningError;
}

/** Throws TYPE_MISMATCH if `task` is not a task of this copy of the package; an object with copies of its members is not one. */
export function stateOf(task: AnyTask): TaskState {
  try {
    const state = (task as unknown as { [STATE]?: TaskState } | null | undefined)?.[STATE];
    if (state !== undefined && THIS_COPY in task) return state;
  } catch {
    // A proxy, which is not a task.
  }
  throw wrongType(task, "a task", "task", adviseOnTask(task));
}

/** Records that the task has been saved as `savedAt` in the store behind `home`, or may have been. */
export function adoptVersion(task: AnyTask, savedAt: Version, home: TaskHome, outcome: "saved" | "unknown"): void {
  const state = stateOf(task);
  const before = versionIn(home, state);
  if (before !== undefined && before >= savedAt) return; // a later save of the same object has overtaken this one
  const left = before === undefined ? none : [before, ...state.replaced];
  state.replaced = outcome === "saved" ? none : left;
  state.envelope.savedAt = versionToTimestamp(savedAt);
  state.oddVersion = undefined;
  state.home = home;
}

/** The task's version, if the store behind `home` assigned it, or may have; a version of another store means nothing there. */
export function versionIn(home: TaskHome, state: TaskState): Version | undefined {
  return state.home === undefined || state.home === home ? versionOf(state) : undefined;
}

/** The task's version, whichever store assigned it. */
export function versionOf({ envelope, oddVersion }: TaskState): Version | undefined {
  return oddVersion ?? savedAtOf(envelope);
}
