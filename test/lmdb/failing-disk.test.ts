import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { FailingDisk, whyNoFailingDisk } from "./failing-disk.js";
import { temporaryFolder } from "./folders.js";
import { StoreProcess, type Task } from "./process.js";

const reason = whyNoFailingDisk();

describe.skipIf(reason)(`a disk that fails${reason ? ` (skipped: ${reason})` : ""}`, { timeout: 120_000 }, () => {
  const disk = reason === undefined ? new FailingDisk() : undefined;
  const list = "failing.example";
  let user: StoreProcess;

  beforeEach(() => {
    user = new StoreProcess(temporaryFolder(), { env: disk?.env ?? {} });
  });

  afterEach(() => disk?.recover());
  afterAll(() => disk?.remove());

  it("while a save is flushed makes it fail as not applied, and later saves succeed", async () => {
    const saved = await user.ask<Task[]>("save", list, ["a"]);
    disk?.fail("FAIL_FLUSH");
    for (const id of ["a", "b"]) {
      const error = await user.refusal("save", list, [id]);
      expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
      expect(error).not.toHaveProperty("attempted");
      expect(error.message).toContain("else check it, and the system's log");
    }
    expect(await user.ask("list", list)).toEqual(saved);
    disk?.recover();
    await user.ask("save", list, ["b"]);
    expect(await user.ask("list", list)).toHaveLength(2);
    await user.ask("close");
    expect([await user.end(), user.errors]).toEqual([0, ""]);
  });

  it("at a save's last write makes it fail as unknown, and the store is opened anew", async () => {
    const saved = await user.ask<Task[]>("save", list, ["a"]);
    disk?.fail("FAIL_LAST_WRITE");
    const attempts: bigint[] = [];
    for (let i = 0; i < 3; i++) {
      const error = await user.refusal("save", list, ["b"]);
      expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
      attempts.push(BigInt(error.attempted ?? 0));
    }
    disk?.recover();
    const [again] = await user.ask<[Task]>("save", list, ["b"]);
    expect(attempts.every((attempted) => attempted > 0n && attempted < BigInt(again.savedAt))).toBe(true);
    expect(await user.ask("list", list)).toEqual([...saved, again]);
    await user.ask("close");
    expect([await user.end(), user.errors]).toEqual([0, ""]);
  });

  it("fails all that was under way, and each is told once", async () => {
    await user.ask("open");
    disk?.fail("FAIL_LAST_WRITE");
    for (let i = 0; i < 20; i++) user.tell("save", list, [`${i}`]);
    for (let i = 0; i < 20; i++) expect((await user.hear())?.error).toMatchObject({ code: "UNAVAILABLE" });
    disk?.recover();
    await user.ask("save", list, ["after"]);
    await user.ask("close");
    expect([await user.end(), user.errors]).toEqual([0, ""]);
  });
});
