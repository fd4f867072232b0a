import { afterEach, describe, expect, test, vi } from "vitest";
import { findDriver } from "../../src/adapters/sqlite/driver.js";
import { failureOf } from "../runtime/failure.js";

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
});
