import { join } from "node:path";
import { DataInterface } from "taskledger";
import { VersionClock } from "taskledger/adapter";
import { createBoard } from "taskledger/board";
import { SqliteAdapter } from "taskledger/sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { temporaryFolder } from "../support/folders.js";
import { recordsOf } from "./output-schema.js";
import { run } from "./process.js";

// Tasks that were saved by clocks which were wrong: an hour ahead, and one that had begun at 1970.

const path = join(temporaryFolder(), "ledger.db");
const env = { TASKLEDGER_STORE: `sqlite:${path}` };
const open = (clock?: () => number) =>
  new DataInterface({
    types: [FetchFileTask],
    adapter: new SqliteAdapter({ path, ...(clock && { clock: new VersionClock(() => BigInt(clock()) * 1000n) }) }),
  });
const tasks = open();

beforeAll(async () => {
  for (const [id, clock] of [
    ["early", () => 60_000],
    ["late", () => Date.now() + 3_600_000],
  ] as const) {
    const wrong = open(clock);
    await wrong.create(FetchFileTask, { taskList: id, id });
    await wrong.close();
  }
});
afterAll(() => tasks.close());

test("lists shows an unknown age as ?, as null in JSON, and takes it for older than any limit", async () => {
  expect((await run(["lists", "--no-headers"], { env })).out).toBe("early   1   ?   0   0\nlate    1   ?   0   0\n");
  expect(recordsOf("list", await run(["lists", "-o", "jsonl"], { env }))).toMatchObject([
    { taskList: "early", oldest: null },
    { taskList: "late", oldest: null },
  ]);
  const { code, err } = await run(["lists", "--fail-older-than", "3650d"], { env });
  expect(code).toBe(3);
  expect(err).toContain("error[TOO_OLD]: late: the age of its oldest task is unknown");
  expect((await run(["doctor"], { env })).out).toMatch(/^lists .* open for \?, in /m);
});

test("ls and show say ? for such a task, and - for one that was never saved", async () => {
  for (const list of ["early", "late"]) {
    expect((await run(["ls", list, "--no-headers"], { env })).out).toMatch(/^\w+ +\S+ \? +\? +0 +- /);
    expect((await run(["show", list, list], { env })).out).toMatch(/^SAVED +\S+Z \(\? ago\)$/m);
  }
  const input = FetchFileTask.build({ taskList: "l", id: "a" }).toBinary();
  expect((await run(["decode"], { input })).out).toMatch(/^SAVED +-$/m);
});

test("the board says the same", async () => {
  const board = createBoard({ tasks });
  const page = async (address: string) => (await board.fetch(new Request(`http://localhost${address}`))).text();
  expect(await page("/")).toContain('<td class="number" data-label="Oldest">?</td>');
  expect(await page("/list?list=late")).toContain('<td class="number" data-label="Age">?</td>');
  expect(JSON.parse(await page("/api/lists"))).toMatchObject({ lists: [{}, { taskList: "late", oldest: null }] });
  board.close();
});
