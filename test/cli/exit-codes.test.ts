import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { buildDescriptors } from "./descriptors.js";
import { describeExitCodes, seed, seedStore } from "./exit-codes.js";
import { memoryStore } from "./memory-store.js";
import { run } from "./process.js";
import { openTestStore, type TestStore } from "./stores.js";

const folder = temporaryFolder();

describe("on SQLite", () => {
  const path = join(folder, "ledger.db");
  let store: TestStore;
  beforeAll(async () => {
    store = await openTestStore(`sqlite:${path}`);
    await seedStore(store);
  });
  afterAll(() => store.tasks.close());
  describeExitCodes("seeded", () => ({ env: store.env }));

  test("75: it is not known whether a complete was done, which waits for another process", async () => {
    await store.tasks.save(seed.build("locked"));
    const { DatabaseSync } = createRequire(import.meta.url)("node:sqlite");
    const other = new DatabaseSync(path);
    const complete = () =>
      run(["complete", seed.list, "locked", "--latest", "--yes", "--timeout", "2s"], { env: store.env });
    other.exec("BEGIN IMMEDIATE");
    const { code, err } = await complete();
    other.exec("ROLLBACK");
    other.close();
    expect({ code, err }).toMatchObject({ code: 75, err: expect.stringContaining("doing it again is safe") });
    expect([0, 4]).toContain((await complete()).code);
    expect(await store.tasks.find(seed.list, "locked")).toBeUndefined();
  });
});

describe("in memory", () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await memoryStore(folder, "memory", { ...seed, types: [buildDescriptors()] });
  });
  describeExitCodes("seeded", () => ({ cwd }));
  describeExitCodes("empty", () => ({ cwd: folder, env: { TASKLEDGER_STORE: "memory:" } }));

  test("a schema is printed, made and checked, of which there is none", async () => {
    for (const action of ["print", "apply", "check"])
      expect(await run(["schema", action, "--store", "memory:"])).toMatchObject({ code: 0, err: "" });
  });
});
