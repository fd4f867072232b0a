import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Disk operations of a program fail with EIO while a file of that name exists; or with EROFS, as on a disk that the kernel has
 * made read-only under open files (`errors=remount-ro`), which `mount` itself refuses to do.
 */
const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(const char *what) { return getenv(what) && access(getenv(what), F_OK) == 0; }

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  if (fails("FAIL_WRITE")) { errno = EIO; return -1; }
  if (fails("READ_ONLY")) { errno = EROFS; return -1; }
  ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
  return real(file, bytes, count, offset);
}

int ftruncate64(int file, off64_t size) {
  if (fails("READ_ONLY")) { errno = EROFS; return -1; }
  int (*real)(int, off64_t) = dlsym(RTLD_NEXT, "ftruncate64");
  return real(file, size);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (flags & (O_WRONLY | O_RDWR | O_CREAT) && fails("READ_ONLY")) { errno = EROFS; return -1; }
  int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
  return real(path, flags, mode);
}

int fdatasync(int file) {
  if (fails("FAIL_FLUSH")) { errno = EIO; return -1; }
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  return real(file);
}

int fsync(int file) {
  if (fails("FAIL_FLUSH")) { errno = EIO; return -1; }
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  return real(file);
}
`;

const faults = ["FAIL_FLUSH", "FAIL_WRITE", "READ_ONLY"] as const;

/** Makes the disk fail for processes that are started with this environment. */
export class FailingDisk {
  readonly #folder = mkdtempSync(join(tmpdir(), "taskledger-failing-"));

  /** Throws if there is no C compiler. */
  constructor() {
    const file = join(this.#folder, "failing.c");
    writeFileSync(file, source);
    execFileSync("cc", ["-shared", "-fPIC", "-o", join(this.#folder, "failing.so"), file, "-ldl"], { stdio: "pipe" });
  }

  get env(): Record<string, string> {
    const files = Object.fromEntries(faults.map((fault) => [fault, join(this.#folder, fault)]));
    return { LD_PRELOAD: join(this.#folder, "failing.so"), ...files };
  }

  fail(fault: (typeof faults)[number]): void {
    writeFileSync(join(this.#folder, fault), "");
  }

  recover(): void {
    for (const fault of faults) rmSync(join(this.#folder, fault), { force: true });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** Why the disk can't be made to fail here; undefined if it can. */
export function whyNoFailingDisk(): string | undefined {
  if (process.platform !== "linux") return "the disk is made to fail on Linux only";
  try {
    new FailingDisk().remove();
    return undefined;
  } catch {
    return "there is no C compiler (cc)";
  }
}
