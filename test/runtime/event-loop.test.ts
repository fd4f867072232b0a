import { DataInterface, recover, redeliver } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";

const COUNT = 40_000;
let tasks: DataInterface<typeof FetchFileTask>;
beforeEach(() => {
  tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
});

function* built() {
  for (let i = 0; i < COUNT; i++) yield FetchFileTask.build({ taskList: "l", id: String(i) });
}

/** How often timers had their turn while this ran. */
async function turnsDuring(run: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await run();
  clearInterval(timer);
  return turns;
}

async function countOf(source: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of source) count++;
  return count;
}

async function countAgain(times: number): Promise<number> {
  for (let i = 1; i < times; i++) await tasks.stats("l", { max: COUNT });
  return (await tasks.stats("l", { max: COUNT })).open;
}

describe("on a store that answers at once, timers have their turn", () => {
  test("while many tasks are saved, and completed", async () => {
    const saved: FetchFileTask[] = [];
    expect(await turnsDuring(() => tasks.saveAll(built(), { onSaved: (task) => saved.push(task) }))).toBeGreaterThan(1);
    expect(await turnsDuring(() => tasks.completeAll(saved))).toBeGreaterThan(1);
  });

  test.each([
    ["listed", () => countOf(tasks.all("l"))],
    ["listed without those that are claimed", () => countOf(tasks.stale("l", { olderThan: 0, unclaimed: true }))],
    ["counted, again and again", () => countAgain(5)],
    ["handed over", () => redeliver(tasks, "l", () => undefined, { olderThan: 0 })],
    ["done", async () => (await recover(tasks, "l", () => undefined, { olderThan: 0 })).completed],
  ])("while many tasks are %s", async (_, run) => {
    await tasks.saveAll(built());
    const turns = await turnsDuring(async () => expect(await run()).toBe(COUNT));
    expect(turns).toBeGreaterThan(1);
  });
});
