import { randomBytes } from "node:crypto";
import { lstatSync, rmSync, writeFileSync } from "node:fs";
import { RESERVE_BYTES, reservePath } from "./reserve-file.js";

/** How long to wait before the file is tried again for which there was no room, in milliseconds. */
const PAUSE = 1_000;

/**
 * A file that holds room on the disk for completes, which need some to free more: on a full disk SQLite can neither
 * extend its log nor copy it into the database.
 */
export class DiskReserve {
  readonly #path: string;
  #triedAt = -Infinity;

  constructor(databasePath: string) {
    this.#path = reservePath(databasePath);
  }

  /** Makes the file unless it is there, or there was no room for it just now. */
  fill(): void {
    const now = performance.now();
    if (now - this.#triedAt < PAUSE) return;
    this.#triedAt = now;
    if (this.#isThere(RESERVE_BYTES)) return;
    try {
      // A link would lead to a file of somebody else, and nobody would read from a pipe.
      rmSync(this.#path, { force: true });
      // Random, so that the disk can't keep it in less room.
      writeFileSync(this.#path, randomBytes(RESERVE_BYTES), { mode: 0o600, flag: "wx" });
    } catch {
      this.use(); // a part of it
      this.#triedAt = now;
    }
  }

  /** Frees its room; false if there is none. Call `fill` as soon as that room is not needed: others would take it. */
  use(): boolean {
    if (!this.#isThere()) return false;
    rmSync(this.#path, { force: true });
    this.#triedAt = -Infinity;
    return true;
  }

  #isThere(size?: number): boolean {
    const stats = lstatSync(this.#path, { throwIfNoEntry: false });
    return stats?.isFile() === true && (size === undefined || stats.size === size);
  }
}
