export type { Adapter } from "./adapter/adapter.js";
export type { FromBatchOptions } from "./batch/batch.js";
export { fromBatch, toBatch } from "./batch/batch.js";
export type { DecodeFramesOptions, EncodeFramesOptions } from "./batch/task-frames.js";
export { decodeFrames, encodeFrames } from "./batch/task-frames.js";
export type { ReleaseOptions } from "./claims/claim.js";
export { Claim } from "./claims/claim.js";
export type { ClaimInfo, ClaimOptions } from "./claims/claiming.js";
export type { OperationOptions } from "./core/abort.js";
export type { ByteSource, ByteStream } from "./core/byte-source.js";
export type {
  DecodingErrorCode,
  InputErrorCode,
  ManyErrorCode,
  SetupErrorCode,
  StateErrorCode,
  StoreErrorCode,
  TaskErrorCode,
  TaskErrorDetails,
  WriteOutcome,
} from "./core/errors.js";
export { isTaskError, TaskError } from "./core/errors.js";
export type { TaskKey } from "./core/keys.js";
export { MAX_KEY_BYTES } from "./core/keys.js";
export type { Version } from "./core/version.js";
export { dateToVersion, versionToDate } from "./core/version.js";
export type { Envelope } from "./envelope/envelope.js";
export { DEFAULT_MAX_TASK_BYTES } from "./envelope/envelope.js";
export type { BulkFailure, BulkOptions } from "./interface/bulk.js";
export { BulkError } from "./interface/bulk.js";
export { configure } from "./interface/configure.js";
export type { CompleteAllOptions, SaveAllOptions } from "./interface/data-interface.js";
export { DataInterface } from "./interface/data-interface.js";
export type { ExistingTasksOptions, TaskSource } from "./interface/generator.js";
export { existingTasks, TaskGenerator } from "./interface/generator.js";
export type { DataInterfaceOptions, InterfaceOptions } from "./interface/interface-options.js";
export type { AdapterBuilder, AdapterBuilderOptions } from "./interface/interface-state.js";
export type { ListStats, StatsOptions } from "./interface/lists.js";
export type { MoveOptions } from "./interface/move-tasks.js";
export { moveTasks } from "./interface/move-tasks.js";
export type { StaleOptions } from "./interface/stale.js";
export type { FromHashOptions, TaskHash } from "./json/hash.js";
export type { RunOptions } from "./recovery/composite-task.js";
export { CompositeTask } from "./recovery/composite-task.js";
export { dispatchKey } from "./recovery/dispatch-key.js";
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
export type { BatchOptions, FrameOptions } from "./task/batch-options.js";
export { OpaqueTask } from "./task/opaque-task.js";
export { type ReadableClass, Task } from "./task/task.js";
export type { ListOptions } from "./task/task-state.js";
export type {
  AmbiguousBuild,
  AnySchema,
  BuildInit,
  BuildOptions,
  DataInit,
  DataOf,
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
