import { join } from "node:path";
import { DataInterface } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { temporaryFolder } from "../support/folders.js";
import { buildDescriptors } from "./descriptors.js";
import { runOnTerminal } from "./process.js";

// On a terminal, which util-linux's `script` makes. Other systems' has other options.

const folder = temporaryFolder();
const path = join(folder, "ledger.db");
const tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
const onTerminal = (line: string, ...answers: string[]) =>
  runOnTerminal(line, { env: { TASKLEDGER_STORE: `sqlite:${path}`, NO_COLOR: "1" }, input: answers.join("") });
const save = (id: string) =>
  tasks.create(FetchFileTask, { taskList: "l", id, filename: `${"long ".repeat(60)}\u001b[2J` });

beforeAll(async () => {
  await save("kept");
});
afterAll(() => tasks.close());

describe.runIf(process.platform === "linux")("on a terminal", () => {
  test("complete asks, and an answer other than yes leaves the task", async () => {
    const no = await onTerminal("taskledger complete l kept --latest", "n\n");
    expect(no.code).toBe(130);
    expect(no.out).toMatch(/l\/kept is a example.v1.FetchFile, version \d+. Complete it\? \[y\/N\] /);
    expect((await onTerminal("taskledger complete l kept", "\n")).code).toBe(130);
    expect(await tasks.find("l", "kept")).toBeDefined();
    await save("gone");
    expect((await onTerminal("taskledger complete l gone", "y\n")).code).toBe(0);
    expect(await tasks.find("l", "gone")).toBeUndefined();
  });

  test.each([
    ["Ctrl+C", "\u0003"],
    ["Ctrl+D", "\u0004"],
  ])("%s in place of an answer leaves the task, and exits with 130", async (_, key) => {
    const { code, out } = await runOnTerminal("taskledger complete l kept --latest", {
      ...{ env: { TASKLEDGER_STORE: `sqlite:${path}`, NO_COLOR: "1" }, prompt: "[y/N]", input: key },
    });
    expect({ code, out }).toMatchObject({ code: 130, out: expect.not.stringContaining("error[") });
    expect(await tasks.find("l", "kept")).toBeDefined();
  });

  test("release says whose claim it ends, and asks", async () => {
    const task = await save("claimed");
    await tasks.claim(task, { owner: "worker-7", lease: 3_600_000 });
    const { code, out } = await onTerminal("taskledger release l claimed", "yes\n");
    expect(code).toBe(0);
    expect(out).toMatch(/worker-7 has l\/claimed until 20.*Z\. End its claim\? \[y\/N\] /);
    await tasks.complete(task);
  });

  test("an owner can't put lines of its own into a question", async () => {
    const task = await save("owned");
    await tasks.claim(task, { owner: "nobody.\nEnd it? [y/N] y\nDone", lease: 3_600_000 });
    const { out } = await onTerminal("taskledger release l owned", "n\n");
    expect(out).toContain("nobody.\\u000aEnd it? [y/N] y\\u000aDone has l/owned until");
    await tasks.complete(task);
  });

  test("bytes are refused, tables are cut to its width, and the screen is not cleared", async () => {
    for (const line of ["taskledger export", "taskledger show l kept --raw"]) {
      const { code, out } = await onTerminal(line);
      expect(code).toBe(2);
      expect(out).toContain("error[BINARY]: bytes would go to the terminal");
    }
    const { code, out } = await onTerminal(`stty cols 80; taskledger ls l --types '${buildDescriptors()}'`);
    expect(code).toBe(0);
    expect(out).toContain("…");
    for (const line of out.split("\r\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect((await onTerminal("taskledger show l kept")).out).not.toContain("\u001b[2J");
  });
});
