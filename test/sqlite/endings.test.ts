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
    const judge = new Judge();
    for (const milliseconds of [200, 50, 10, 1]) {
      const user = await StoreProcess.start(path);
      user.tell("end", how, `${LIST}`, milliseconds);
      const said = await user.rest();
      expect(user.exit, user.errors).toBe(exit);
      judge.hear(said);
      await judge.expectHeld(path, LIST);
    }
  });

  it("by its thread being terminated loses nothing acknowledged, and goes on", async () => {
    const user = await StoreProcess.start(path);
    const judge = new Judge();
    for (const milliseconds of [300, 400, 500]) {
      user.tell("terminate", LIST, milliseconds);
      for (let said = await user.hear(); said?.answer !== null; said = await user.hear())
        judge.hear(said ? [said] : []);
    }
    await user.ask("save", LIST, ["after that"]);
    expect(await user.end(), user.errors).toBe(0);
    await judge.expectHeld(path, LIST);
    expect((await openTasks(path, LIST)).has("after that")).toBe(true);
  });

  it("does not wait for a store that nobody closes", async () => {
    const user = await StoreProcess.start(path);
    await user.ask("save", LIST, ["a"]);
    await sleep(10);
    expect(await user.end(), user.errors).toBe(0);
  });
});
