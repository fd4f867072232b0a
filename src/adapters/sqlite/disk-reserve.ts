import { randomBytes } from "node:crypto";
import { rmSync, statSync, writeFileSync } from "node:fs";
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
    if (statSync(this.#path, { throwIfNoEntry: false })?.size === RESERVE_BYTES) return;
    try {
      // Random, so that the disk can't keep it in less room.
      writeFileSync(this.#path, randomBytes(RESERVE_BYTES), { mode: 0o600 });
    } catch {
      rmSync(this.#path, { force: true });
    }
  }

  /** Frees its room; false if there is none. Call `fill` as soon as that room is not needed: others would take it. */
  use(): boolean {
    if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return false;
    rmSync(this.#path, { force: true });
    this.#triedAt = -Infinity;
    return true;
  }
}
