/**
 * For authors of adapters: the contract, and helpers that every adapter needs. `taskledger/testing` tests an adapter;
 * MemoryAdapter, which imports nothing else, is the one to copy.
 *
 * @packageDocumentation
 */
export type { OperationOptions } from "../core/abort.js";
export { abortedError, onAbort, throwIfAborted, untilAborted } from "../core/abort.js";
export type { OptionNames } from "../core/arguments.js";
export { readOptions } from "../core/arguments.js";
export type { TaskErrorCode, TaskErrorDetails, WriteOutcome } from "../core/errors.js";
export { isTaskError, TaskError } from "../core/errors.js";
export { importDriver } from "../core/import-driver.js";
export type { TaskKey } from "../core/keys.js";
export { joinKey, MAX_KEY_BYTES } from "../core/keys.js";
export type { Version } from "../core/version.js";
export {
  checkClock,
  dateToVersion,
  latestOf,
  MAX_VERSION,
  MIN_VERSION,
  processClock,
  toMilliseconds,
  VersionClock,
  versionToDate,
} from "../core/version.js";
export type {
  Adapter,
  AllOptions,
  CompleteEntry,
  Finding,
  Outcome,
  SaveEntry,
  StoredTask,
  WriteOptions,
} from "./adapter.js";
export type { ClaimClock, ClaimHolding, ClaimRequest, ClaimState, ClaimStore } from "./claim-store.js";
export { CLAIM_MEMORY, grantClaim, isClaimed, REDELIVERY, releaseClaim, renewClaim } from "./claim-store.js";
export { Lifecycle, type LifecycleOptions } from "./lifecycle.js";
