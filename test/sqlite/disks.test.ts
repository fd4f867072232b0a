import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leftOut } from "../support/left-out.js";
import { SmallDisk, whyNoDisks } from "../support/small-disk.js";
import { expectIntact } from "./judge.js";
import { type SavedTask, StoreProcess } from "./process.js";

const reason = leftOut("small disks", whyNoDisks());
const LIST = "small.example";

describe.skipIf(reason)(`a small disk${reason ? ` (skipped: ${reason})` : ""}`, { timeout: 120_000 }, () => {
  let disk: SmallDisk;
  let path: string;
  let user: StoreProcess;

  beforeEach(async () => {
    disk = new SmallDisk("24m");
    path = join(disk.path, "ledger.db");
    user = await StoreProcess.start(path);
  });

  afterEach(async () => {
    await user.kill();
    disk.remove();
  });

  /** Saves tasks of some size until one fails; gives those that did not. */
  async function saveUntilFull(size: number): Promise<SavedTask[]> {
    const saved: SavedTask[] = [];
    for (;;) {
      user.tell("save", LIST, [`${size}-${saved.length}`], size);
      const { answer, error } = (await user.hear()) ?? {};
      if (error) {
        expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
        expect(error.message).toContain(`${path}: the disk is full: free some space`);
        return saved;
      }
      saved.push(...(answer as SavedTask[]));
    }
  }

  it("that is full refuses saves and claims, not applied; completes go on, and all is well once there is room", async () => {
    const saved = [...(await saveUntilFull(200_000)), ...(await saveUntilFull(20_000))];
    disk.fill();
    saved.push(...(await saveUntilFull(300)));
    expect(await user.refusal("claim", saved[0])).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });

    // Every one of them, one by one and together.
    const [alone, together] = [saved.slice(0, 20), saved.slice(20)];
    for (const task of alone) await user.ask("complete", [task]);
    expect(await user.ask<SavedTask[]>("list", LIST)).toEqual(together);
    await user.ask("complete", together);
    expect(await user.ask<SavedTask[]>("list", LIST)).toEqual([]);

    disk.free();
    const again = await user.ask<SavedTask[]>("save", LIST, ["again"], 20_000);
    expect(await user.ask("claim", again[0])).toBe(true);
    expect(await user.end(), user.errors).toBe(0);
    expectIntact(path);
  });

  it("lets a claimed task be completed when it is full", async () => {
    const [task] = (await user.ask<SavedTask[]>("save", LIST, ["claimed"], 1000)) as [SavedTask];
    expect(await user.ask("claim", task)).toBe(true);
    await saveUntilFull(100_000);
    disk.fill();
    await saveUntilFull(300);
    await user.ask("complete", [task]);
    expect((await user.ask<SavedTask[]>("list", LIST)).some(({ id }) => id === "claimed")).toBe(false);
  });

  it("fails each entry of a call for itself, and other calls not at all", async () => {
    const [task] = (await user.ask<SavedTask[]>("save", LIST, ["small"], 100)) as [SavedTask];
    disk.fill(500_000);
    user.tell("save", LIST, ["too large"], 900_000);
    user.tell("complete", [task]);
    user.tell("save", LIST, ["small again"], 100);
    expect((await user.hear())?.error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect((await user.hear())?.answer).toBeNull();
    expect((await user.hear())?.answer).toMatchObject([{ id: "small again" }]);
  });

  it("that is read-only gives UNAVAILABLE, and one line that says what to look at", async () => {
    await user.ask("save", LIST, ["a"]);
    await user.ask("close");
    await user.end();
    disk.makeReadOnly();
    user = await StoreProcess.start(path);
    const refusal = await user.refusal("open");
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect(refusal.message).toMatch(/ledger\.db: .*(read-only|how the disk is mounted)/);
  });

  it("without room for a store at all says so", async () => {
    disk.fill();
    rmSync(`${path}-reserve`, { force: true });
    const refusal = await user.refusal("save", LIST, ["a"]);
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect(refusal.message).toContain("free some space");
  });
});
