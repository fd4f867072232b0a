import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** LMDB writes what makes a commit valid by a file descriptor of its own, which waits for the disk at each write. */
const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(const char *what) { return getenv(what) && access(getenv(what), F_OK) == 0; }

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  if (fcntl(file, F_GETFL) & O_DSYNC && fails("FAIL_LAST_WRITE")) { errno = EIO; return -1; }
  ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
  return real(file, bytes, count, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) { return pwrite64(file, bytes, count, offset); }

int fdatasync(int file) {
  if (fails("FAIL_FLUSH")) { errno = EIO; return -1; }
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  return real(file);
}
`;

/** Makes the disk fail for processes that are started with its environment. */
export class FailingDisk {
  readonly #folder = mkdtempSync(join(tmpdir(), "taskledger-failing-"));

  /** Throws where there is no C compiler. */
  constructor() {
    const file = join(this.#folder, "failing.c");
    writeFileSync(file, source);
    execFileSync("cc", ["-shared", "-fPIC", "-o", join(this.#folder, "failing.so"), file, "-ldl"], { stdio: "pipe" });
  }

  get env(): Record<string, string> {
    return {
      LD_PRELOAD: join(this.#folder, "failing.so"),
      FAIL_FLUSH: join(this.#folder, "FAIL_FLUSH"),
      FAIL_LAST_WRITE: join(this.#folder, "FAIL_LAST_WRITE"),
    };
  }

  fail(what: "FAIL_FLUSH" | "FAIL_LAST_WRITE"): void {
    writeFileSync(join(this.#folder, what), "");
  }

  recover(): void {
    for (const what of ["FAIL_FLUSH", "FAIL_LAST_WRITE"]) rmSync(join(this.#folder, what), { force: true });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** Why the disk can't be made to fail here; undefined where it can. */
export function whyNoFailingDisk(): string | undefined {
  if (process.platform !== "linux") return "the disk is made to fail on Linux only";
  try {
    new FailingDisk().remove();
    return undefined;
  } catch {
    return "there is no C compiler (cc)";
  }
}
