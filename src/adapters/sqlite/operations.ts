import type { ClaimState } from "../../adapter/claim-store.js";
import type { TaskError } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import type { Version } from "../../core/version.js";
import type { DriverLocation } from "./driver.js";

// What passes between the adapter's thread and the one that writes.

/** One write. What its parts mean depends on its kind. */
export interface Operation extends TaskKey {
  readonly kind: "save" | "complete" | "claim" | "renew" | "release";
  /** Of a save, the latest version that it replaces, or 0; the version to complete or to claim; otherwise the claim's token. */
  readonly version: bigint;
  /** Of a save, the task's type; of a claim, its owner. */
  readonly name: string;
  /** How long a claim lasts, or how long a released task waits, in milliseconds. */
  readonly time: number;
  /** Of a save. */
  readonly body: Uint8Array;
  /** Of a save: made only with the one before it, all of them or none. */
  readonly isJoined: boolean;
}

/** A save's version; a claim's state, or undefined if it is not granted; when a renewed lease ends. */
export type Value = Version | ClaimState | number | undefined;

/** `attempted` is the version of a save whose outcome is unknown. */
export interface Failure {
  readonly error: PlainError;
  readonly attempted?: Version | undefined;
}

export type Result = Value | Failure;

export function isFailure(result: Result): result is Failure {
  return typeof result === "object" && "error" in result;
}

/** A TaskError, which loses its class on its way to another thread; a task's list and id are added there. */
export type PlainError = Pick<TaskError, "code" | "message" | "field" | "outcome"> & { readonly cause?: unknown };

/** What the clock said when a group left, in microseconds. */
export interface Times {
  readonly now: Version;
  /** No version is lower. */
  readonly next: Version;
  /** Later versions were made by a clock that was wrong. */
  readonly horizon: Version;
}

/** Operations that are one transaction. */
export interface Group {
  readonly operations: readonly Operation[];
  readonly times: Times;
}

/** A group as it passes: an object and a buffer for each operation would take six times as long. */
export interface PackedGroup {
  /** The operations' parts, one operation after the other, with the lengths of the bodies. */
  readonly parts: readonly unknown[];
  readonly bodies: Uint8Array;
  readonly times: Times;
}

type Parts = [
  Operation["kind"],
  taskList: string,
  id: string,
  bigint,
  name: string,
  time: number,
  boolean,
  length: number,
];
const PARTS = 8;

export function pack({ operations, times }: Group): PackedGroup {
  const parts: unknown[] = [];
  const bodies = new Uint8Array(operations.reduce((sum, { body }) => sum + body.length, 0));
  let end = 0;
  for (const { kind, taskList, id, version, name, time, isJoined, body } of operations) {
    parts.push(...([kind, taskList, id, version, name, time, isJoined, body.length] satisfies Parts));
    bodies.set(body, end);
    end += body.length;
  }
  return { parts, bodies, times };
}

export function unpack({ parts, bodies, times }: PackedGroup): Group {
  const operations: Operation[] = [];
  let start = 0;
  for (let i = 0; i < parts.length; i += PARTS) {
    const [kind, taskList, id, version, name, time, isJoined, length] = parts.slice(i, i + PARTS) as Parts;
    const body = bodies.subarray(start, start + length);
    operations.push({ kind, taskList, id, version, name, time, isJoined, body });
    start += length;
  }
  return { operations, times };
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

/** The thread replies in order; its first reply says whether it could open the file. */
export type Request = PackedGroup | "close";
export type Reply = Written | PlainError | "opened" | "closed";

/** What became of the operations of a group, and how long the disk took for the last flush, in milliseconds. */
export interface Written {
  readonly results: readonly Result[];
  readonly flush: number;
}
