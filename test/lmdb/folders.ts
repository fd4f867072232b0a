import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A folder on a disk, which is removed when the file's tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "taskledger-lmdb-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "store");
}
