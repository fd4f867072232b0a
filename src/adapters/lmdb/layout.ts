import { endianness } from "node:os";
import { checkKey, checkTaskList, type TaskKey } from "../../keys.js";
import type { Version } from "../../version.js";

/**
 * How tasks lie in the store. Keys are ordered by their bytes; no task list holds a NUL.
 *
 *     tasks    list NUL id            stamp version envelope
 *     ledger   list NUL version id    (empty)
 *     claims   list NUL id            stamp JSON, of those tasks that have been claimed
 *     (root)   layout                 the name below
 *              latest …               the version of the latest save of a user
 *
 * Every open task has one row in tasks and in ledger. A version has eight bytes, the highest first. A stamp is drawn anew
 * for each write, so that a row can be known to be the one that was read: a float64 of the machine, which lmdb-js compares.
 * The version would not do: a task that is gone may come back at the same one, if two processes save it at once.
 */
export const LAYOUT = "taskledger 2";

const STAMP_BYTES = 8;

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

/** Those of two processes meet as rarely as 52 random bits do. */
let lastStamp = 1 + Math.floor(Math.random() * 2 ** 52);

/** A stamp that no row has. */
export function newStamp(): number {
  return ++lastStamp;
}

const stampNumber = new Float64Array(1);
const stampBytes = Buffer.from(stampNumber.buffer);

function stampedRow(stamp: number, length: number): Buffer {
  const row = Buffer.allocUnsafe(STAMP_BYTES + length);
  stampNumber[0] = stamp;
  stampBytes.copy(row);
  return row;
}

export function taskRow(stamp: number, version: Version, envelope: Uint8Array): Buffer {
  const row = stampedRow(stamp, VERSION_BYTES + envelope.length);
  row.writeBigUInt64BE(version, STAMP_BYTES);
  row.set(envelope, STAMP_BYTES + VERSION_BYTES);
  return row;
}

export function claimRow(stamp: number, claim: Uint8Array): Buffer {
  const row = stampedRow(stamp, claim.length);
  row.set(claim, STAMP_BYTES);
  return row;
}

export function latestRow(version: Version): Buffer {
  const row = Buffer.allocUnsafe(VERSION_BYTES);
  row.writeBigUInt64BE(version);
  return row;
}

/**
 * A row as lmdb-js gives it: over memory that is used again for the next one, and longer than its `length` says to what
 * asks the array itself.
 */
export type StoredRow = Uint8Array;

const littleEndian = endianness() === "LE";

/** Of a task or a claim. */
export function rowStamp(row: StoredRow): number {
  return viewOf(row).getFloat64(0, littleEndian);
}

/** Of a task. */
export function readVersion(row: StoredRow): Version {
  return viewOf(row).getBigUint64(STAMP_BYTES);
}

export function readLatest(row: StoredRow): Version {
  return viewOf(row).getBigUint64(0);
}

/** In memory of its own. */
export function readEnvelope(row: StoredRow): Uint8Array {
  return copyFrom(row, STAMP_BYTES + VERSION_BYTES);
}

/** In memory of its own. */
export function readClaim(row: StoredRow): Uint8Array {
  return copyFrom(row, STAMP_BYTES);
}

function viewOf(row: StoredRow): DataView {
  return new DataView(row.buffer, row.byteOffset);
}

function copyFrom(row: StoredRow, start: number): Uint8Array {
  const bytes = new Uint8Array(row.length - start);
  bytes.set(new Uint8Array(row.buffer, row.byteOffset + start, bytes.length));
  return bytes;
}
