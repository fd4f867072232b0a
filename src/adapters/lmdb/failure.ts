import { getSystemErrorMap } from "node:util";
import { TaskError, type WriteOutcome } from "../../errors.js";
import type { TaskKey } from "../../keys.js";

/** Why the store could not do something. */
export interface Failure {
  /** Such as `ENOSPC` or `MDB_PANIC`; undefined where nobody said. */
  readonly name: string | undefined;
  readonly cause: unknown;
  readonly outcome: WriteOutcome;
}

/** From an error of lmdb-js, whose `code` is a number, or of node:fs, whose `code` is a name. */
export function failureOf(cause: unknown, outcome: WriteOutcome = "not-applied"): Failure {
  const code = (cause as { code?: unknown } | undefined)?.code;
  const name = typeof code === "number" ? nameOf(code) : typeof code === "string" ? code : undefined;
  return { name, cause, outcome };
}

/** An error like those of lmdb-js, for a status that it would only print. */
export function statusError(status: number): Error {
  const message = systemErrors.get(-status)?.[1] ?? "the commit failed";
  return Object.assign(new Error(`${nameOf(status) ?? status}: ${message}`), { code: status });
}

/** An error like that of a write to a full disk, for one that is not tried. */
export function noRoom(): Error {
  return Object.assign(new Error("ENOSPC: no space left on the disk for this transaction"), { code: "ENOSPC" });
}

const systemErrors = getSystemErrorMap();

/** LMDB's own errors are below -30000; the others are errno. */
function nameOf(code: number): string | undefined {
  return code < 0 ? lmdbErrors.get(code) : systemErrors.get(-code)?.[0];
}

const lmdbErrors: ReadonlyMap<number, string> = new Map([
  [-30797, "MDB_PAGE_NOTFOUND"],
  [-30796, "MDB_CORRUPTED"],
  [-30795, "MDB_PANIC"],
  [-30794, "MDB_VERSION_MISMATCH"],
  [-30793, "MDB_INVALID"],
  [-30792, "MDB_MAP_FULL"],
  [-30790, "MDB_READERS_FULL"],
  [-30782, "MDB_BAD_TXN"],
  [-30779, "MDB_PROBLEM"],
]);

/** UNAVAILABLE, for a task if there is one, with what to do about it. */
export function unavailable(path: string, failure: Failure, key?: TaskKey): TaskError {
  const { name, cause, outcome } = failure;
  const advice = (name !== undefined && advices.get(name)) || `${messageOf(cause)}; see the error's cause`;
  const { taskList, id } = key ?? {};
  return new TaskError("UNAVAILABLE", `the LMDB store ${path}: ${advice}`, { taskList, id, outcome, cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

const full = "the disk is full: free some space, then try again";
const forbidden = "this process may not write there: let its user write to the folder and the files in it";
const notAFolder = "the path, or a part of it, is a file: name a folder";
const damaged = "it is damaged: check the disk, then restore the folder from a backup or name another one";

const advices: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", full],
  ["EDQUOT", full],
  ["EFBIG", "its file may not grow any further: raise the limit of file sizes (ulimit -f)"],
  ["EACCES", forbidden],
  ["EPERM", forbidden],
  ["EROFS", "it lies on a disk that is mounted read-only: mount it for writing, or name another folder"],
  ["EIO", "the disk did not take it: free some space if it is full, else check it, and the system's log"],
  ["ENOTDIR", notAFolder],
  ["EEXIST", notAFolder],
  ["ENAMETOOLONG", "the path is too long: name another folder"],
  ["EMFILE", "this process has too many files open: raise the limit (ulimit -n)"],
  ["ENOMEM", "no memory is left to map its file: raise the limit of address space (ulimit -v)"],
  ["MDB_MAP_FULL", "no memory is left to map its file: raise the limit of address space (ulimit -v)"],
  ["MDB_READERS_FULL", "too many processes have it open: close some of them"],
  ["MDB_CORRUPTED", damaged],
  ["MDB_PAGE_NOTFOUND", damaged],
  ["MDB_PANIC", "the disk failed while a transaction was committed: check it, and the system's log, then try again"],
]);
