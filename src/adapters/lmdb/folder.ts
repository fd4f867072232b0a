import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, type FileHandle, link, mkdir, open, realpath, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TaskError } from "../../errors.js";
import {
  DATA_FILE,
  FORMAT_AT,
  FREE_ROOT_AT,
  MAGIC_AT,
  MAIN_ROOT_AT,
  META_BYTES,
  NO_PAGE,
  PAGE_SIZE_AT,
  TRANSACTION_AT,
  view,
} from "./data-file.js";
import { failureOf, unavailable } from "./failure.js";

/** What LMDB keeps in its folder, beside the store itself: its locks, and the gate before it. */
const LOCK_FILE = "lock.mdb";
export const GATE_FILE = "gate.mdb";
const GATE_LOCK_FILE = "gate.mdb-lock";
const FILES = [DATA_FILE, LOCK_FILE, GATE_FILE, GATE_LOCK_FILE];

/** Room for some thousand processes. */
const LOCK_BYTES = 64 * 1024;

/** More than a store needs that has just been made. */
const NEW_STORE_BYTES = 256 * 1024;

/**
 * Makes the folder of a store, if need be, and gives its real path. Throws UNAVAILABLE where LMDB could not open the
 * store; LMDB itself would end the process by a signal in most of these cases.
 */
export async function prepareFolder(path: string): Promise<string> {
  try {
    await makeFolder(path);
    const folder = await realpath(path);
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    for (const file of FILES) await checkAccess(join(folder, file));
    const found = [await checkDataFile(join(folder, DATA_FILE)), await checkDataFile(join(folder, GATE_FILE))];
    if (!found.every(Boolean)) await checkRoom(folder);
    for (const file of [LOCK_FILE, GATE_LOCK_FILE]) await makeLockFile(folder, file);
    return folder;
  } catch (error) {
    if (error instanceof TaskError) throw error;
    throw unavailable(path, failureOf(error));
  }
}

/** Not by mkdir's own way to make a whole path, which hides why it can't and does not end within /proc. */
async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  await makeFolder(dirname(path));
  try {
    await mkdir(path);
  } catch (error) {
    if (!isCode(error, "EEXIST") || !(await isFolder(path))) throw error; // else another process has made it
  }
  await syncFolder(dirname(path));
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Writes to the disk which files a folder holds. Some systems can't, and do it by themselves. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, "r");
    await folder.sync().finally(() => folder.close());
  } catch {}
}

/** Never opens the file: to close it again would take this process's locks off it. */
async function checkAccess(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}

/** LMDB maps the files of a new store before it knows that the disk can hold them. */
async function checkRoom(folder: string): Promise<void> {
  const file = join(folder, scratchName());
  try {
    await writeFile(file, Buffer.alloc(NEW_STORE_BYTES));
  } finally {
    await rm(file, { force: true });
  }
}

/**
 * Makes the lock file with its bytes on the disk; LMDB's own would get each page when it is first touched, and a
 * signal would end the process if the disk were full then. It appears whole or not at all, and never replaces one that
 * another process has made meanwhile.
 */
async function makeLockFile(folder: string, name: string): Promise<void> {
  const lock = join(folder, name);
  if (await exists(lock)) return;
  const file = join(folder, scratchName());
  try {
    await writeFile(file, Buffer.alloc(LOCK_BYTES), { mode: 0o664 });
    await link(file, lock);
  } catch (error) {
    if (isCode(error, "ENOSPC") || isCode(error, "EDQUOT")) throw error; // else there are no links here: LMDB makes it
  } finally {
    await rm(file, { force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

function scratchName(): string {
  return `.taskledger-${randomUUID()}`;
}

/** Whether there is a store. Throws UNAVAILABLE for a file that LMDB can't read. */
async function checkDataFile(path: string): Promise<boolean> {
  const file = await open(path, "r").catch((error) => {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (file === undefined) return false;
  try {
    if ((await file.stat()).size === 0) return false;
    let problem = await problemOf(file);
    // What another process writes at this moment may be seen by half.
    for (let tries = 0; problem && tries < 5; tries++) {
      await sleep(20);
      problem = await problemOf(file);
    }
    if (problem === undefined) return true;
    const advice = "name another folder, or restore this one from a backup";
    throw new TaskError("UNAVAILABLE", `${path} ${problem}: ${advice}`);
  } finally {
    await file.close();
  }
}

const MAGIC = 0xbeefc0de;
const FORMAT = 2;

async function problemOf(file: FileHandle): Promise<string | undefined> {
  if (process.arch === "arm" || process.arch === "ia32") return undefined; // its fields lie elsewhere there
  const read = async (at: number) => view((await file.read(Buffer.alloc(META_BYTES), 0, META_BYTES, at)).buffer);
  const first = await read(0);
  if (first.uint32(MAGIC_AT) !== MAGIC) return "is no LMDB data file";
  if (first.uint32(FORMAT_AT) !== FORMAT) return "was written by another version of LMDB";
  const pageSize = first.uint32(PAGE_SIZE_AT);
  if (pageSize < 256) return "is damaged";
  const second = await read(pageSize);
  if (second.uint32(MAGIC_AT) !== MAGIC) return "is damaged";
  const latest = second.uint64(TRANSACTION_AT) > first.uint64(TRANSACTION_AT) ? second : first;
  const { size } = await file.stat(); // not before: the file may be growing
  const isThere = (page: bigint) => page === NO_PAGE || (page + 1n) * BigInt(pageSize) <= size;
  if (![FREE_ROOT_AT, MAIN_ROOT_AT].every((at) => isThere(latest.uint64(at)))) return "is shorter than it was";
  return undefined;
}
