import type { Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { TaskEnvelope } from "../../gen/taskledger/v1/envelope_pb.js";
import type { OperationOptions } from "../adapter/adapter.js";
import type { Claim } from "../claims/claim.js";
import type { ByteSource } from "../core/byte-source.js";
import { adviseOnTask } from "../core/class-advice.js";
import { mismatch, THIS_COPY } from "../core/copies.js";
import type { TaskKey } from "../core/keys.js";
import { type Version, versionToTimestamp } from "../core/version.js";
import { savedAtOf } from "../envelope/envelope.js";
import type { FromHashOptions } from "../json/hash.js";
import type { BatchOptions, FrameOptions } from "./batch-options.js";

/** A task, as far as this module looks at one. */
export interface AnyTask extends TaskKey {
  readonly type: string;
}

/** What a task asks of the data interface that it belongs to. */
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

/** What a task holds. `data` is the decoded message; the one in the envelope is what it came with. */
export class TaskState {
  readonly envelope: TaskEnvelope & { data: Any };
  readonly data: Message;
  home: TaskHome | undefined;
  /** Under which the task is being done in this process; completing it ends the claim. */
  claim: Claim | undefined = undefined;
  /** Versions older than the task's own that a save of unknown outcome may have left in the store. */
  replaced: readonly Version[] = none;

  constructor(envelope: TaskEnvelope & { data: Any }, data: Message, home: TaskHome | undefined) {
    this.envelope = envelope;
    this.data = data;
    this.home = home;
  }
}

/** One for all tasks: nearly none has more. */
const none: readonly Version[] = [];

/**
 * Tasks keep their state under a symbol, since every string is a name that a data field may have; and not under a
 * `#private` one, since that would make the classes of two installed copies unrelated types.
 */
const STATE = Symbol("taskledger.state");

/** No field is called so. */
const NOT_CLONEABLE = "not cloneable";

/** To clone a task, or to post one to another thread, would give an empty object: what has no other form than its own can't. */
const cloningError = Symbol("a task can't be cloned: hand over task.toBinary()");

export function setState(task: AnyTask, state: TaskState): void {
  const members = task as unknown as { [STATE]: TaskState; [NOT_CLONEABLE]: symbol };
  members[STATE] = state;
  members[NOT_CLONEABLE] = cloningError;
}

/** Throws TYPE_MISMATCH for what is not a task of this copy of the package; a copy of its members is none, either. */
export function stateOf(task: AnyTask): TaskState {
  try {
    const state = (task as unknown as { [STATE]?: TaskState } | null | undefined)?.[STATE];
    if (state !== undefined && THIS_COPY in task) return state;
  } catch {
    // A proxy, which is no task.
  }
  throw mismatch(task, "a task", "task", adviseOnTask(task));
}

/** The task has been saved as `savedAt` in the store behind `home`, or perhaps has. */
export function adoptVersion(task: AnyTask, savedAt: Version, home: TaskHome, outcome: "saved" | "unknown"): void {
  const state = stateOf(task);
  const before = versionIn(home, state);
  if (before !== undefined && before >= savedAt) return; // a later save of the same object has overtaken this one
  const left = before === undefined ? none : [before, ...state.replaced];
  state.replaced = outcome === "saved" ? none : left;
  state.envelope.savedAt = versionToTimestamp(savedAt);
  state.home = home;
}

/** The task's version, if the store behind `home` gave it, or may have: another store's says nothing there. */
export function versionIn(home: TaskHome, state: TaskState): Version | undefined {
  return state.home === undefined || state.home === home ? savedAtOf(state.envelope) : undefined;
}
