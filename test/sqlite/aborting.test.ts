import { join } from "node:path";
import { expect, test } from "vitest";
import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import { taskEntry } from "../../src/testing/entries.js";
import { temporaryFolder } from "../support/folders.js";

const folder = temporaryFolder();

test("a save that is aborted while it waits says which task it is of, and why it was aborted", async () => {
  const adapter = new SqliteAdapter({ path: join(folder, "waiting.db") });
  await adapter.open();
  const controller = new AbortController();
  const saving = adapter.save([taskEntry("acme.com", "file1")], { signal: controller.signal });
  await new Promise((resolve) => process.nextTick(resolve)); // all promises have been followed, and no group has left
  const reason = new Error("the host is shutting down");
  controller.abort(reason);
  const [outcome] = await saving;
  expect(outcome).toMatchObject({
    ok: false,
    error: { name: "TaskError", code: "ABORTED", taskList: "acme.com", id: "file1", outcome: "not-applied" },
  });
  expect(outcome?.ok === false && outcome.error.cause).toBe(reason);
  await adapter.close();
});

test("a save that is aborted in the same turn of the event loop is not made, whichever promise it waits for", async () => {
  const adapter = new SqliteAdapter({ path: join(folder, "same-turn.db") });
  await adapter.open();
  for (let promises = 0; promises < 20; promises++) {
    const entry = taskEntry("acme.com", `file${promises}`);
    const controller = new AbortController();
    const saving = adapter.save([entry], { signal: controller.signal }).catch((error) => [{ ok: false, error }]);
    for (let i = 0; i < promises; i++) await undefined;
    controller.abort();
    expect(await saving, `after ${promises}`).toMatchObject([{ ok: false, error: { code: "ABORTED" } }]);
    expect(await adapter.find([entry])).toEqual([undefined]);
  }
  await adapter.close();
});
