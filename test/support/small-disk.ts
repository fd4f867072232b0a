import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A small disk of its own, in memory. */
export class SmallDisk {
  readonly path: string = mkdtempSync(join(tmpdir(), "taskledger-disk-"));
  readonly #filling = join(this.path, "filling");

  /** Throws where this process may not mount. */
  constructor(size: string) {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", this.path], { stdio: "pipe" });
    } catch (error) {
      rmSync(this.path, { recursive: true });
      throw error;
    }
  }

  /** Leaves no room on it, or so many bytes. */
  fill(room = 0): void {
    for (let size = 1024 * 1024; size >= 4096; size /= 2)
      try {
        for (;;) writeFileSync(this.#filling, Buffer.alloc(size), { flag: "a" });
      } catch {}
    truncateSync(this.#filling, statSync(this.#filling).size - room);
  }

  free(): void {
    rmSync(this.#filling);
  }

  makeReadOnly(): void {
    execFileSync("mount", ["-o", "remount,ro", this.path]);
  }

  remove(): void {
    execFileSync("umount", ["-l", this.path]);
    rmSync(this.path, { recursive: true });
  }
}

/** Why there are no small disks here; undefined where there are. */
export function whyNoDisks(): string | undefined {
  if (process.platform !== "linux") return "small disks are made on Linux only";
  try {
    new SmallDisk("64k").remove();
    return undefined;
  } catch {
    return "this user may not mount";
  }
}
