import { isTaskError, TaskError, type TaskErrorDetails, type WriteOutcome } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import type { PlainError } from "./operations.js";

/** SQLite's primary result codes that are told apart here (https://sqlite.org/rescode.html). */
export const BUSY = 5;
export const IO_ERROR = 10;
export const FULL = 13;

const CORRUPT = 11;

/** SQLite's extended code, and better-sqlite3's name of it, where the file ends before it should. */
const SHORT_READ: readonly unknown[] = [522, "SQLITE_IOERR_SHORT_READ"];

const reasons: Record<number, readonly [string, RegExp]> = {
  3: ["this process may not write there", /access permission denied/],
  [BUSY]: ["another process has held its lock for too long", /database is locked/],
  8: ["it can't be written: check its permissions, its folder's, and how the disk is mounted", /readonly database/],
  [IO_ERROR]: ["the disk reported an error: check it", /disk I\/O error/],
  [CORRUPT]: ["it is damaged: restore it from a backup", /malformed/],
  [FULL]: ["the disk is full: free some space, then try again", /is full/],
  14: ["it can't be opened: check that its folder is there and can be written", /unable to open database file/],
  26: ["it is not an SQLite database: name another file", /not a database/],
};

/** What SQLite would say to errors of the operating system. */
const systemErrors: Readonly<Record<string, number>> = { EACCES: 8, EPERM: 8, EROFS: 8, EIO: IO_ERROR, ENOSPC: FULL };

/** SQLite's primary result code, also for errors of the operating system; undefined for others. */
export function resultCode(error: unknown): number | undefined {
  const { errcode, code, message } = Object(error) as { errcode?: unknown; code?: unknown; message?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  if (typeof code !== "string") return undefined;
  if (!code.includes("SQLITE")) return systemErrors[code];
  // better-sqlite3 and Deno give no number; SQLite's own messages are stable.
  return Object.entries(reasons)
    .map(([number, [, pattern]]) => (pattern.test(String(message)) ? Number(number) : undefined))
    .find((number) => number !== undefined);
}

/** The result code that says what to do. */
function reasonCode(cause: unknown): number {
  const { errcode, code } = Object(cause) as { errcode?: unknown; code?: unknown };
  return SHORT_READ.includes(errcode) || SHORT_READ.includes(code) ? CORRUPT : (resultCode(cause) ?? -1);
}

/** What went wrong with a database file, as a TaskError. One that is a TaskError already stays. */
export function storeError(path: string, cause: unknown, outcome: WriteOutcome = "not-applied"): TaskError {
  if (isTaskError(cause)) return cause;
  const reason = reasons[reasonCode(cause)]?.[0] ?? String((cause as Error)?.message ?? cause);
  return unavailable(path, reason, { outcome, cause });
}

export function unavailable(path: string, reason: string, details: TaskErrorDetails = {}): TaskError {
  return new TaskError("UNAVAILABLE", `the SQLite store ${path}: ${reason}`, details);
}

export function toPlain({ code, message, field, outcome }: TaskError): PlainError {
  return { code, message, field, outcome };
}

export function fromPlain({ code, message, field, outcome, cause }: PlainError, key?: TaskKey): TaskError {
  return new TaskError(code, message, { taskList: key?.taskList, id: key?.id, field, outcome, cause });
}
