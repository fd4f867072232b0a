import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { findDriver } from "../../src/adapters/sqlite/driver.js";
import { failureOf } from "../runtime/failure.js";
import { bundle } from "../support/bundle.js";
import { temporaryFolder } from "../support/folders.js";

const folder = temporaryFolder();

afterEach(() => vi.restoreAllMocks());

describe("the driver of an SQLite store", () => {
  test("is Node's own, if its SQLite is a safe one", () => {
    expect(findDriver()).toEqual({ name: "node:sqlite", module: "node:sqlite" });
  });

  test("that is nowhere is an error with both ways out", async () => {
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
    const error = await failureOf(() => findDriver());
    expect(error).toMatchObject({ code: "MISSING_DRIVER", outcome: "not-applied" });
    const { node } = process.versions;
    expect(String(error)).toContain(`Node ${node} has no node:sqlite (use Node 22.22.3, 24.15 or later)`);
    expect(String(error)).toContain("better-sqlite3 is not installed (npm install better-sqlite3");
  });

  test("that is asked for by name is no other", async () => {
    const error = await failureOf(() => findDriver("better-sqlite3"));
    expect(error).toMatchObject({ code: "MISSING_DRIVER" });
    expect(String(error)).not.toContain("node:sqlite");
  });

  test("that has an unsafe SQLite is an error that npm can follow, on Node 20, too", async () => {
    // A better-sqlite3 that is installed beside the driver's code, and has the SQLite of long ago.
    const module = join(folder, "node_modules/better-sqlite3/index.js");
    await mkdir(dirname(module), { recursive: true });
    await writeFile(
      module,
      `module.exports = class {
        prepare() { return { get: () => ({ version: "3.40.1" }) }; }
        close() {}
      };`,
    );
    const program = join(folder, "driver.mjs");
    await copyFile(await bundle("src/adapters/sqlite/driver.ts"), program);
    const { findDriver } = await import(program);
    const { versions } = process;
    Object.defineProperty(process, "versions", { value: { ...versions, node: "20.20.2" } });
    try {
      expect(() => findDriver("better-sqlite3")).toThrow(
        "better-sqlite3 has SQLite 3.40.1, which may damage its file (npm install better-sqlite3@12)",
      );
    } finally {
      Object.defineProperty(process, "versions", { value: versions });
    }
  });

  test.each(["3.46.1", "3.50.4", "3.51.0", "3.51.2"])(
    "is not one with SQLite %s, which may damage files",
    async (version) => {
      pretendVersion(version);
      const error = await failureOf(() => findDriver());
      expect(error).toMatchObject({ code: "MISSING_DRIVER", outcome: "not-applied" });
      const { node } = process.versions;
      const advice = "which may damage its file (use Node 22.22.3, 24.15 or later)";
      expect(String(error)).toContain(`Node ${node} has SQLite ${version}, ${advice}`);
      expect(String(error)).toContain("better-sqlite3 is not installed (npm install better-sqlite3");
    },
  );

  test.each(["3.51.3", "3.51.10", "3.52.0", "4.0.0"])("is one with SQLite %s", (version) => {
    pretendVersion(version);
    expect(findDriver()).toEqual({ name: "node:sqlite", module: "node:sqlite" });
  });
});

/** Node's own SQLite says that it is of this version. */
function pretendVersion(version: string): void {
  class DatabaseSync {
    prepare() {
      return { get: () => ({ version }) };
    }
    close() {}
  }
  vi.spyOn(process, "getBuiltinModule").mockReturnValue({ DatabaseSync } as never);
}
