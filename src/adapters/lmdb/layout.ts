import { endianness } from "node:os";
import { checkKey, checkTaskList, type TaskKey } from "../../keys.js";
import type { Version } from "../../version.js";

/**
 * How tasks lie in the store. Keys are ordered by their bytes; no task list holds a NUL.
 *
 *     tasks    list NUL id            stamp envelope
 *     ledger   list NUL version id    (empty)
 *     claims   list NUL id            stamp JSON, of those tasks that have been claimed
 *     (root)   layout                 the name below
 *              latest …               stamp, of the latest save of a user
 *
 * Every open task has one row in tasks and in ledger. A version has eight bytes, the highest first. A stamp is a version
 * too, in the form that lmdb-js compares when a transaction is to go on only if a row is as it was: a float64 of the
 * machine, whose bits are those of the version with one set that keeps it a usual number.
 */
export const LAYOUT = "taskledger 1";

const VERSION_BYTES = 8;
const NUL = 0;

/** Throws INVALID_KEY: a name with a NUL, or too long a one, could be taken for another task's. */
export function taskKey({ taskList, id }: TaskKey): Buffer {
  checkKey(taskList, id);
  const list = Buffer.byteLength(taskList);
  const key = Buffer.allocUnsafe(list + 1 + Buffer.byteLength(id));
  key.write(taskList);
  key[list] = NUL;
  key.write(id, list + 1);
  return key;
}

/** The place in the ledger of a task's version, from its key in the tasks. */
export function ledgerKey(task: Buffer, savedAt: Version): Buffer {
  const prefix = task.indexOf(NUL) + 1;
  const key = Buffer.allocUnsafe(task.length + VERSION_BYTES);
  task.copy(key, 0, 0, prefix);
  key.writeBigUInt64BE(savedAt, prefix);
  task.copy(key, prefix + VERSION_BYTES, prefix);
  return key;
}

/** A place in the ledger, taken apart: the key of its task, and the version. */
export function readLedgerKey(key: Buffer): { readonly task: Buffer; readonly savedAt: Version } {
  const prefix = key.indexOf(NUL) + 1;
  const task = Buffer.concat([key.subarray(0, prefix), key.subarray(prefix + VERSION_BYTES)]);
  return { task, savedAt: key.readBigUInt64BE(prefix) };
}

/** Before all places of a list. Throws INVALID_KEY. */
export function listStart(taskList: string): Buffer {
  checkTaskList(taskList);
  return Buffer.from(`${taskList}\0`);
}

/** Behind all places of a list. */
export function listEnd(taskList: string): Buffer {
  return Buffer.from(`${taskList}\x01`);
}

/** Before all places of a list at a version or later. */
export function versionStart(taskList: string, savedAt: Version): Buffer {
  return ledgerKey(listStart(taskList), savedAt);
}

/** The first key after another. */
export function keyAfter(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(NUL)]);
}

const STAMP_BIT = 1n << 62n;
const stamp = new Float64Array(1);
const stampBits = new BigUint64Array(stamp.buffer);
const stampBytes = Buffer.from(stamp.buffer);

/** A version as lmdb-js is given it, to compare it with a row's. */
export function stampOf(version: Version): number {
  stampBits[0] = version + STAMP_BIT;
  return stamp[0] as number;
}

/** A row with its stamp, and what comes after it: a task's envelope, a claim, or nothing. */
export function rowOf(version: Version, content?: Uint8Array): Buffer {
  const row = Buffer.allocUnsafe(VERSION_BYTES + (content?.length ?? 0));
  stampOf(version);
  stampBytes.copy(row);
  if (content) row.set(content, VERSION_BYTES);
  return row;
}

/**
 * A row as lmdb-js gives it: over memory that is used again for the next one, and longer than its `length` says to what
 * asks the array itself.
 */
export type StoredRow = Uint8Array;

const littleEndian = endianness() === "LE";

export function readVersion(row: StoredRow): Version {
  return new DataView(row.buffer, row.byteOffset).getBigUint64(0, littleEndian) - STAMP_BIT;
}

/** What comes after the stamp, such as the envelope's bytes, in memory of its own. */
export function readContent(row: StoredRow): Uint8Array {
  const bytes = new Uint8Array(row.length - VERSION_BYTES);
  bytes.set(new Uint8Array(row.buffer, row.byteOffset + VERSION_BYTES, bytes.length));
  return bytes;
}
