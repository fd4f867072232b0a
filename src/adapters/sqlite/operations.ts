import type { ClaimHolding, ClaimRequest, ClaimState } from "../../adapter/claim-store.js";
import type { TaskError } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import type { Version } from "../../core/version.js";
import type { DriverLocation } from "./driver.js";

// What passes between the adapter's thread and the one that writes.

/** `replaced` is the latest version that the save replaces; 0 if it replaces none. */
export interface Save extends TaskKey {
  readonly kind: "save";
  readonly type: string;
  readonly body: Uint8Array;
  readonly replaced: Version;
}

/** One write. Of saves together all are made or none; they go by the key of the first. */
export type Operation =
  | Save
  | (TaskKey & { readonly kind: "save-together"; readonly saves: readonly Save[] })
  | (TaskKey & { readonly kind: "complete"; readonly savedAt: Version })
  | (ClaimRequest & { readonly kind: "claim" })
  | (ClaimHolding & { readonly kind: "renew"; readonly lease: number })
  | (ClaimHolding & { readonly kind: "release"; readonly retryIn: number });

/** A save's version, or those of saves together; a claim's state, or undefined if it is not granted; when a renewed lease ends. */
export type Value = Version | readonly Version[] | ClaimState | number | undefined;

/** `attempted` is the version of a save whose outcome is unknown. */
export type Result =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: PlainError; readonly attempted?: Version | undefined };

/** A TaskError, which loses its class on its way to another thread; a task's list and id are added there. */
export type PlainError = Pick<TaskError, "code" | "message" | "field" | "outcome"> & { readonly cause?: unknown };

/** Operations that are one transaction, and what the clock said when they left, in microseconds. */
export interface Group {
  readonly operations: readonly Operation[];
  readonly now: Version;
  /** No version is lower. */
  readonly next: Version;
  /** Later versions were made by a clock that was wrong. */
  readonly horizon: Version;
}

/** What a thread is started with. */
export interface ThreadStart {
  readonly driver: DriverLocation;
  /** As the user gave it, and without symbolic links. */
  readonly path: string;
  readonly realPath: string;
  /** How long opening, a read or a transaction waits for other processes, in milliseconds. */
  readonly deadline: number;
}

/** The thread is asked one thing at a time; its first reply says whether it could open the file. */
export type Request = Group | "close";
export type Reply = readonly Result[] | PlainError | "opened" | "closed";
