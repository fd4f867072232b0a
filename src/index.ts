export type {
  Adapter,
  AllOptions,
  CompleteEntry,
  OperationOptions,
  Outcome,
  SaveEntry,
  TaskKey,
  Version,
  WriteOptions,
} from "./adapter.js";
export type { FromBatchOptions } from "./batch/batch.js";
export { fromBatch, toBatch } from "./batch/batch.js";
export type { BatchOptions, FrameOptions } from "./batch/batch-limits.js";
export type { DecodeFramesOptions, EncodeFramesOptions } from "./batch/task-frames.js";
export { decodeFrames, encodeFrames } from "./batch/task-frames.js";
export type { BulkFailure, BulkOptions } from "./bulk.js";
export { BulkError } from "./bulk.js";
export type { ByteSource, ByteStream } from "./byte-source.js";
export type { ClaimClock, ClaimHolding, ClaimRequest, ClaimState, ClaimStore } from "./claim-store.js";
export { grantClaim, isClaimed, releaseClaim, renewClaim } from "./claim-store.js";
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
export type { FromHashOptions, TaskHash } from "./hash/hash.js";
export { MAX_KEY_BYTES } from "./keys.js";
export type { MoveOptions } from "./move-tasks.js";
export { moveTasks } from "./move-tasks.js";
export type { ReleaseOptions } from "./recovery/claim.js";
export { Claim } from "./recovery/claim.js";
export type { ClaimOptions } from "./recovery/claiming.js";
export { recover } from "./recovery/recover.js";
export type {
  Backoff,
  Exhaustion,
  RecoverContext,
  RecoverCounts,
  RecoverEvent,
  RecoverHandler,
  RecoverOptions,
  RecoverResult,
} from "./recovery/recover-options.js";
export { OpaqueTask } from "./task/opaque-task.js";
export { Task } from "./task/task.js";
export type { ListOptions } from "./task/task-state.js";
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
} from "./task/task-types.js";
export type { Validate, Violation } from "./task/validation.js";
export { dateToVersion, processClock, VersionClock, versionToDate } from "./version.js";
