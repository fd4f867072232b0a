import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/adapters/sqlite/driver.js";
import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import { taskEntry } from "../../src/testing/entries.js";
import { failureOf } from "../runtime/failure.js";
import { temporaryFolder } from "../support/folders.js";
import { rawDatabase } from "./judge.js";

const folder = temporaryFolder();
const LIST = "opening.example";

describe("while another connection has the whole file to itself", () => {
  let cases = 0;
  let path: string;
  let holder: Database | undefined;
  beforeEach(async () => {
    path = join(folder, `ledger-${cases++}.db`);
    const adapter = new SqliteAdapter({ path });
    await adapter.save([taskEntry(LIST, "a")]);
    await adapter.close();
    holder = rawDatabase(path);
    holder.exec("PRAGMA locking_mode = EXCLUSIVE");
    holder.exec("BEGIN EXCLUSIVE");
    holder.exec("COMMIT"); // in that mode the lock stays
  });
  afterEach(() => letGo());

  function letGo(): void {
    holder?.close();
    holder = undefined;
  }

  const ways: [string, boolean][] = [
    ["read", true],
    ["write", false],
  ];

  test.each(ways)(
    "opening to %s fails at the adapter's deadline, and holds up nobody else in the process",
    async (_, readOnly) => {
      const adapter = new SqliteAdapter({ path, readOnly, deadline: 500 });
      let turns = 0;
      const timer = setInterval(() => turns++, 10);
      const error = await failureOf(() => adapter.open());
      clearInterval(timer);
      expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
      expect(String(error)).toContain(`${path}: another process has held its lock for too long`);
      expect(turns).toBeGreaterThan(5);
      await adapter.close();
    },
  );

  test.each(ways)("opening to %s waits until it is let go", async (_, readOnly) => {
    const adapter = new SqliteAdapter({ path, readOnly, deadline: 20_000 });
    const opening = adapter.open();
    setTimeout(letGo, 100);
    await opening;
    expect((await adapter.find([{ taskList: LIST, id: "a" }]))[0]).toBeDefined();
    await adapter.close();
  });
});
