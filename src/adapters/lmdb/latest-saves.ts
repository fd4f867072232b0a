import { randomUUID } from "node:crypto";
import { latestOf, type Version } from "../../version.js";
import type { Root } from "./driver.js";
import { latestRow, readLatest } from "./layout.js";

const PREFIX = "latest ";
const RANGE = { start: Buffer.from(PREFIX), end: Buffer.from("latest!") };

/** More rows than this are made one when the store is opened. */
const MAX_ROWS = 16;

/**
 * The latest versions that were saved, in the root, a row for each user of the store: none could write another's without
 * waiting for it. They outlive the tasks, so that one that is saved anew is later than it was before, whatever its
 * process's clock says; a late complete of it as it was would remove it otherwise.
 */
export class LatestSaves {
  readonly #root: Root;
  readonly #key = Buffer.from(PREFIX + randomUUID());

  constructor(root: Root) {
    this.#root = root;
  }

  /** Of the other users; 0 if there is none. While the store is being read. */
  ofOthers(): Version {
    return this.#latestOf(keysOf(this.#root).filter((key) => !key.equals(this.#key)));
  }

  /** Of this one. While the store is being read. */
  ofThis(): Version {
    return this.#latestOf([this.#key]);
  }

  /** In a batch. */
  write(version: Version): void {
    this.#root.put(this.#key, latestRow(version));
  }

  /** Makes one row of those that processes have left behind; one that is still there writes its own again. */
  fold(): void {
    if (keysOf(this.#root).length <= MAX_ROWS) return;
    this.#root.transactionSync(() => {
      const keys = keysOf(this.#root);
      this.write(this.#latestOf(keys));
      for (const key of keys) this.#root.remove(key);
    });
  }

  #latestOf(keys: readonly Buffer[]): Version {
    return latestOf(keys.map((key) => this.#versionAt(key)));
  }

  #versionAt(key: Buffer): Version {
    const row = this.#root.getBinaryFast(key);
    return row ? readLatest(row) : 0n;
  }
}

function keysOf(root: Root): Buffer[] {
  return [...root.getKeys(RANGE)];
}
