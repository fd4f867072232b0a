import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FailingDisk, whyNoFailingDisk } from "../support/failing-disk.js";
import { temporaryFolder } from "../support/folders.js";
import { leftOut } from "../support/left-out.js";
import { expectIntact, openTasks } from "./judge.js";
import { type SavedTask, StoreProcess } from "./process.js";

const reason = leftOut("a disk that fails", whyNoFailingDisk());
const folder = temporaryFolder();
const LIST = "failing.example";

describe.skipIf(reason)(`a disk that fails${reason ? ` (skipped: ${reason})` : ""}`, { timeout: 60_000 }, () => {
  let disk: FailingDisk;
  let path: string;
  let user: StoreProcess;
  let cases = 0;

  beforeEach(async () => {
    disk = new FailingDisk();
    path = join(folder, `ledger-${cases++}.db`);
    user = await StoreProcess.start(path, { env: disk.env });
    await user.ask("save", LIST, ["before"]);
  });

  afterEach(async () => {
    await user.kill();
    disk.remove();
  });

  it("while a save is flushed leaves its outcome unknown, and its version with the task, which covers it", async () => {
    disk.fail("FAIL_FLUSH");
    const refusal = await user.refusal("save", LIST, ["a"]);
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(refusal.message).toContain("the disk reported an error");
    disk.recover();
    await user.ask("complete", [{ taskList: LIST, id: "a", savedAt: refusal.attempted }]);
    await user.ask("save", LIST, ["after"]);
    await user.kill();
    expect([...(await openTasks(path, LIST)).keys()]).toEqual(["before", "after"]);
    expectIntact(path);
  });

  it("while a save is written keeps what was there, and what comes later", async () => {
    disk.fail("FAIL_WRITE");
    expect(await user.refusal("save", LIST, ["a"])).toMatchObject({ code: "UNAVAILABLE" });
    disk.recover();
    await user.ask<SavedTask[]>("save", LIST, ["after"]);
    await user.kill();
    const open = await openTasks(path, LIST);
    expect(open.has("before") && open.has("after")).toBe(true);
    expectIntact(path);
  });

  it("that turns read-only under an open store refuses writes, and is read on, until it can be written again", async () => {
    const [before] = await user.ask<SavedTask[]>("list", LIST);
    disk.fail("READ_ONLY");
    for (let i = 0; i < 3; i++) {
      expect(await user.refusal("save", LIST, [`refused ${i}`])).toMatchObject({ code: "UNAVAILABLE" });
      expect(await user.refusal("complete", [before])).toMatchObject({ code: "UNAVAILABLE" });
      expect(await user.ask<SavedTask[]>("list", LIST)).toEqual([before]);
    }
    disk.recover();
    await user.ask<SavedTask[]>("save", LIST, ["after"]);
    await user.ask("complete", [before]);
    await user.kill();
    expect([...(await openTasks(path, LIST)).keys()]).toEqual(["after"]);
    expectIntact(path);
  });
});
