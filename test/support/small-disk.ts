import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Only in CI, whose user may become root without a password. */
const asRoot = process.getuid?.() !== 0 && process.env.CI ? ["sudo", "-n"] : [];

function runAsRoot(...command: readonly string[]): void {
  const [program, ...args] = [...asRoot, ...command] as [string, ...string[]];
  execFileSync(program, args, { stdio: "pipe" });
}

/** A small file system in memory. */
export class SmallDisk {
  readonly path: string = mkdtempSync(join(tmpdir(), "taskledger-disk-"));
  readonly #filling = join(this.path, "filling");

  /** Throws if this process may not mount. */
  constructor(size: string) {
    try {
      runAsRoot("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", this.path);
    } catch (error) {
      rmSync(this.path, { recursive: true });
      throw error;
    }
  }

  /** Fills it, except for `room` bytes. */
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
    runAsRoot("mount", "-o", "remount,ro", this.path);
  }

  remove(): void {
    runAsRoot("umount", "-l", this.path);
    rmSync(this.path, { recursive: true });
  }
}

/** Why small disks can't be mounted here; undefined if they can. */
export function whyNoDisks(): string | undefined {
  if (process.platform !== "linux") return "small disks are made on Linux only";
  try {
    new SmallDisk("64k").remove();
    return undefined;
  } catch {
    return "this user may not mount";
  }
}
