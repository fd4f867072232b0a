import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { Judge } from "./judge.js";
import { StoreProcess } from "./process.js";

const folder = temporaryFolder();
const LIST = "killed.example";

test("a process that is killed in the midst of its saves, 50 times, loses nothing acknowledged and brings nothing back", async () => {
  const path = join(folder, "ledger.db");
  const judge = new Judge();
  for (let round = 0; round < 50; round++) {
    const user = await StoreProcess.start(path);
    user.tell("flood", LIST, `round${round}`);
    judge.hear([(await user.hear()) ?? {}]);
    await sleep(Math.random() * 60);
    judge.hear(await user.kill());
    if (round % 10 === 9) await judge.expectHeld(path, LIST);
  }
  expect(judge.saved.size).toBeGreaterThan(1_000);
}, 120_000);
