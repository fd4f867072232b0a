export type {
  Adapter,
  AllOptions,
  CompleteEntry,
  OperationOptions,
  Outcome,
  SaveEntry,
  TaskKey,
  Version,
} from "./adapter.js";
export type { FromBatchOptions } from "./batch.js";
export { fromBatch, toBatch } from "./batch.js";
export type { BatchOptions, FrameOptions } from "./batch-limits.js";
export type { BulkFailure, BulkOptions } from "./bulk.js";
export { BulkError } from "./bulk.js";
export type { ByteSource, ByteStream } from "./byte-source.js";
export type { ReleaseOptions } from "./claim.js";
export { Claim } from "./claim.js";
export type { ClaimClock, ClaimHolding, ClaimRequest, ClaimState, ClaimStore } from "./claim-store.js";
export { grantClaim, isClaimed, releaseClaim, renewClaim } from "./claim-store.js";
export type { ClaimOptions } from "./claiming.js";
export type { ChildResult, RunOptions } from "./composite-task.js";
export { CompositeTask } from "./composite-task.js";
export type {
  AdapterBuilder,
  AdapterBuilderOptions,
  CompleteAllOptions,
  DataInterfaceOptions,
  SaveAllOptions,
  StaleOptions,
} from "./data-interface.js";
export { DataInterface } from "./data-interface.js";
export { configure } from "./default.js";
export type { Envelope } from "./envelope.js";
export { DEFAULT_MAX_TASK_BYTES, readStamp } from "./envelope.js";
export type { TaskErrorCode, TaskErrorDetails, WriteOutcome } from "./errors.js";
export { isTaskError, TaskError } from "./errors.js";
export type { ExistingTasksOptions, TaskSource } from "./generator.js";
export { existingTasks, TaskGenerator } from "./generator.js";
export type { FromHashOptions, TaskHash } from "./hash.js";
export { MAX_KEY_BYTES } from "./keys.js";
export type { MoveOptions } from "./move-tasks.js";
export { moveTasks } from "./move-tasks.js";
export { OpaqueTask } from "./opaque-task.js";
export { recover } from "./recover.js";
export type {
  Backoff,
  Exhaustion,
  RecoverContext,
  RecoverCounts,
  RecoverEvent,
  RecoverHandler,
  RecoverOptions,
  RecoverResult,
} from "./recover-options.js";
export { Task } from "./task.js";
export type { DecodeFramesOptions, EncodeFramesOptions } from "./task-frames.js";
export { decodeFrames, encodeFrames } from "./task-frames.js";
export type { ListOptions } from "./task-state.js";
export type {
  AmbiguousBuild,
  BuildInit,
  BuildOptions,
  DataInit,
  ExecuteContext,
  KeyInit,
  ListAndId,
  OptionalListAndId,
  TaskClass,
  TaskInit,
  TaskOf,
} from "./task-types.js";
export { dateToVersion, processClock, VersionClock, versionToDate } from "./version.js";
