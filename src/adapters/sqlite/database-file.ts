import {
  accessSync,
  type BigIntStats,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  realpathSync,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import type { WriteOutcome } from "../../core/errors.js";
import { unavailable } from "./errors.js";

/** File systems of other hosts, by statfs's numbers: NFS, SMB and CIFS. WAL mode needs memory that processes share. */
const NETWORK_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42]);

/**
 * Makes the file, and its folder, if they are not there, for this user alone. Returns the file's path without symbolic
 * links. Throws UNAVAILABLE for what can't be a database file.
 */
export function prepareFile(path: string, readOnly: boolean): string {
  if (!readOnly) createFile(path);
  const stats = statSync(path);
  if (stats.isDirectory()) throw unavailable(path, "it is a folder: name a file in it");
  if (!stats.isFile()) throw unavailable(path, "it is not a regular file");
  if (NETWORK_FILE_SYSTEMS.has(statfsSync(path).type))
    throw unavailable(
      path,
      "it is on a network disk, whose hosts can't share the memory that SQLite needs: name a local one",
    );
  return realpathSync(path);
}

function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    accessSync(path, constants.W_OK);
    accessSync(dirname(realpathSync(path)), constants.W_OK); // SQLite makes files beside it
  }
}

/** File systems tell times to 2 seconds, at the worst: what has changed longer ago, in milliseconds, changes its time again. */
const COARSEST_TIME = 2_500;

/**
 * The files of an open database, by their devices and inodes: SQLite goes on with files that were moved, removed or
 * replaced, and what it writes there is lost.
 */
export class OpenFiles {
  readonly #path: string;
  readonly #folder: string;
  readonly #files;
  /** The folder as it was when all files in it were looked at; undefined if it had just been changed. */
  #lookedAt: BigIntStats | undefined;

  /** `real` is the database's path without symbolic links; SQLite has it open in WAL mode. */
  constructor(path: string, real: string) {
    this.#path = path;
    this.#folder = dirname(real);
    this.#files = [path, real, `${real}-wal`, `${real}-shm`].map((file) => ({ file, opened: look(file) }));
  }

  /**
   * Throws UNAVAILABLE if a path leads to another file than it did, or to none. Does not look at the files of a folder that
   * has not changed: when a log's times have been read, Linux writes new ones with the next flush, which then takes twice as long.
   */
  check(outcome: WriteOutcome = "not-applied"): void {
    const folder = look(this.#folder);
    const isUnchanged = isSame(folder, this.#lookedAt) && folder?.ctimeNs === this.#lookedAt?.ctimeNs;
    for (const { file, opened } of isUnchanged ? this.#files.slice(0, 1) : this.#files) {
      const now = look(file);
      if (isSame(now, opened)) continue;
      const change = now === undefined ? "was removed or moved" : "was replaced";
      const reason = `${file} ${change} while it was open; put it back, or close this adapter and open it again`;
      throw unavailable(this.#path, reason, { outcome });
    }
    if (!isUnchanged) this.#lookedAt = folder && isLongAgo(folder.ctimeMs) ? folder : undefined;
  }
}

function look(file: string): BigIntStats | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false });
}

function isSame(one: BigIntStats | undefined, other: BigIntStats | undefined): boolean {
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

function isLongAgo(time: bigint): boolean {
  return Date.now() - Number(time) > COARSEST_TIME;
}
