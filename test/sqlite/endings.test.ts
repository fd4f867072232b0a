import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { Judge, openTasks } from "./judge.js";
import { StoreProcess } from "./process.js";

const folder = temporaryFolder();
const LIST = "ends.example";
let cases = 0;
let path: string;
beforeEach(() => {
  path = join(folder, `ledger-${cases++}.db`);
});

describe("a process that ends while it writes", { timeout: 60_000 }, () => {
  it.each([
    ["by process.exit", "exit", 0],
    ["by an exception that nobody catches", "exception", 1],
    ["by SIGTERM", "SIGTERM", "SIGTERM"],
  ])("%s ends as it says, and loses nothing acknowledged", async (_, how, exit) => {
    for (const milliseconds of [1, 10, 50, 200]) {
      // A list for each round: what one has acknowledged may be saved again by the next, which ends before it says so.
      const list = `${LIST} ${milliseconds}`;
      const judge = new Judge();
      const user = await StoreProcess.start(path);
      user.tell("end", how, list, milliseconds);
      judge.hear(await user.rest());
      expect(user.exit, user.errors).toBe(exit);
      await judge.expectHeld(path, list);
    }
  });

  it("by its thread being terminated loses nothing acknowledged, and goes on", async () => {
    const user = await StoreProcess.start(path);
    const judges = new Map<string, Judge>();
    for (const milliseconds of [300, 400, 500]) {
      const list = `${LIST} ${milliseconds}`;
      const judge = new Judge();
      judges.set(list, judge);
      user.tell("terminate", list, milliseconds);
      for (let said = await user.hear(); said?.answer !== null; said = await user.hear()) {
        if (said === undefined) throw new Error(`the process has ended: ${user.errors}`);
        judge.hear([said]);
      }
    }
    await user.ask("save", LIST, ["after that"]);
    expect(await user.end(), user.errors).toBe(0);
    for (const [list, judge] of judges) await judge.expectHeld(path, list);
    expect((await openTasks(path, LIST)).has("after that")).toBe(true);
  });

  it("does not wait for a store that nobody closes", async () => {
    const user = await StoreProcess.start(path);
    await user.ask("save", LIST, ["a"]);
    await sleep(10);
    expect(await user.end(), user.errors).toBe(0);
  });
});
