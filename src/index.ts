export type {
  Adapter,
  AllOptions,
  CompleteEntry,
  OperationOptions,
  Outcome,
  SaveEntry,
  StoredTask,
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
export { grantClaim, isClaimed, REDELIVERY, releaseClaim, renewClaim } from "./claim-store.js";
export type { RunOptions } from "./composite-task.js";
export { CompositeTask } from "./composite-task.js";
export type { CompleteAllOptions, DataInterfaceOptions, SaveAllOptions } from "./data-interface.js";
export { DataInterface } from "./data-interface.js";
export { configure } from "./default.js";
export type { Envelope } from "./envelope/envelope.js";
export { DEFAULT_MAX_TASK_BYTES } from "./envelope/envelope.js";
export type { TaskErrorCode, TaskErrorDetails, WriteOutcome } from "./errors.js";
export { isTaskError, TaskError } from "./errors.js";
export type { ExistingTasksOptions, TaskSource } from "./generator.js";
export { existingTasks, TaskGenerator } from "./generator.js";
export type { FromHashOptions, TaskHash } from "./hash/hash.js";
export type { AdapterBuilder, AdapterBuilderOptions } from "./interface-state.js";
export { MAX_KEY_BYTES } from "./keys.js";
export type { ListStats, StatsOptions } from "./list-stats.js";
export type { MoveOptions } from "./move-tasks.js";
export { moveTasks } from "./move-tasks.js";
export type { ReleaseOptions } from "./recovery/claim.js";
export { Claim } from "./recovery/claim.js";
export type { ClaimInfo, ClaimOptions } from "./recovery/claiming.js";
export { perform } from "./recovery/perform.js";
export type {
  Backoff,
  Exhaustion,
  PassedOver,
  PerformContext,
  PerformOptions,
  PerformResult,
  TaskHandler,
} from "./recovery/perform-options.js";
export { recover } from "./recovery/recover.js";
export type { RecoverCounts, RecoverEvent, RecoverOptions } from "./recovery/recover-options.js";
export type { RedeliverOptions } from "./recovery/redeliver.js";
export { redeliver } from "./recovery/redeliver.js";
export type { Revival, ReviveOptions } from "./recovery/revive.js";
export { revive } from "./recovery/revive.js";
export type { StaleOptions } from "./stale.js";
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
  Services,
  TaskClass,
  TaskInit,
  TaskOf,
} from "./task/task-types.js";
export type { Validate, Violation } from "./task/validation.js";
export { dateToVersion, processClock, VersionClock, versionToDate } from "./version.js";
