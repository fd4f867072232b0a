import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { figuresOf, heedingPermissions, runExample, withFiles } from "./run-example.js";

const fetchFiles = (...args: string[]) => runExample("fetch-files/main.ts", args);

describe("npm start", { timeout: 60_000 }, () => {
  it("does every task at least once, although the first worker is killed", async () => {
    await withFiles(60, async (folder) => {
      const run = await fetchFiles(folder);
      expect(run).toMatchObject({ code: 0, stderr: "" });
      const figures = figuresOf(run);
      expect(figures).toMatchObject({ saved: 60, "open at the end": 0 });
      expect(figures["done before the crash"]).toBeGreaterThanOrEqual(0.4 * 60);
      expect((figures["done before the crash"] ?? 0) + (figures.recovered ?? 0)).toBe(60);
    });
  });

  it("works with a single file", async () => {
    await withFiles(1, async (folder) => {
      expect(figuresOf(await fetchFiles(folder))).toMatchObject({ saved: 1, "open at the end": 0 });
    });
  });

  it("keeps its tasks where --store says", async () => {
    await withFiles(5, async (folder) => {
      const store = join(folder, "..", `ledger-${process.pid}`);
      try {
        expect(await fetchFiles(folder, "--store", `sqlite:${store}`)).toMatchObject({ code: 0, stderr: "" });
        await expect(mkdir(store)).rejects.toThrow("EEXIST");
      } finally {
        await rm(store, { recursive: true, force: true });
      }
    });
  });

  const prefix = heedingPermissions();
  it.skipIf(!prefix)("says which file it can't read", async () => {
    await withFiles(2, async (folder) => {
      await writeFile(join(folder, "secret"), "");
      await chmod(join(folder, "secret"), 0o000);
      const run = await runExample("fetch-files/main.ts", [folder], prefix);
      expect(run).toMatchObject({ code: 1, stdout: "" });
      expect(run.stderr).toMatch(/^fetch-files: .*secret.*\n$/);
    });
  });

  it.each([
    ["an empty folder", ["%/empty"], /there is no file in .*empty/],
    ["a folder that is not there", ["%/nowhere"], /nowhere/],
    ["an option it does not know", ["%", "--stroe", "x"], /--stroe/],
    ["a store that is one process's own", ["%", "--store", "memory:"], /memory: is one process's own/],
    ["a URL of no store", ["%", "--store", "postgres://localhost/x"], /a store is one of memory:, sqlite:PATH/],
    [
      "a URL without a data centre",
      ["%", "--store", "cassandra://u:secret@h/k"],
      /^fetch-files: url: name the data centre/,
    ],
    [
      "a store that can't be reached",
      ["%", "--store", "cassandra://127.0.0.1:1/k?datacenter=datacenter1"],
      /Cassandra can't be reached: .*127\.0\.0\.1:1: connect ECONNREFUSED/,
    ],
  ])("ends with one line and no stack trace for %s", async (_, args, message) => {
    await withFiles(1, async (folder) => {
      await mkdir(join(folder, "empty"));
      const run = await fetchFiles(...args.map((arg) => arg.replace("%", folder)));
      expect(run).toMatchObject({ code: 1, stdout: "" });
      expect(run.stderr).toMatch(/^fetch-files: [^\n]*\n$/);
      expect(run.stderr).toMatch(message);
    });
  });
});
