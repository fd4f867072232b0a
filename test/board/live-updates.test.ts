import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { LiveUpdates, type Snapshot, type Viewer } from "../../src/board/live-updates.js";
import type { PageRequest } from "../../src/board/page-data.js";

const INTERVAL = 20;
const lists: PageRequest = { view: "lists", after: "" };
const other: PageRequest = { view: "list", taskList: "l", after: 0n };

/** Updates whose page can be changed, and the times at which it was read. */
function setUp() {
  const state = { fingerprint: "1", error: undefined as Error | undefined, reads: [] as number[] };
  const updates = new LiveUpdates(async () => {
    state.reads.push(performance.now());
    if (state.error) throw state.error;
    return { fingerprint: state.fingerprint, html: `<p>${state.fingerprint}` };
  }, INTERVAL);
  return { updates, state };
}

function viewer(seen = "1") {
  const got: string[] = [];
  const own: Viewer & { got: string[] } = {
    ...{ seen, got },
    show: ({ html }: Snapshot) => got.push(html),
    fail: () => got.push("failed"),
    end: () => got.push("ended"),
  };
  return own;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1);
}

describe("live updates", () => {
  test("read a page once an interval, however many look at it", async () => {
    const { updates, state } = setUp();
    for (let i = 0; i < 100; i++) updates.watch(lists, false, viewer());
    await until(() => state.reads.length >= 5);
    const [first = 0, ...later] = state.reads;
    const gaps = later.map((at, i) => at - (state.reads[i] ?? first));
    for (const gap of gaps) expect(gap).toBeGreaterThan(INTERVAL * 0.8); // timers may be a little early
    updates.close();
  });

  test("read nothing while nobody looks", async () => {
    const { updates, state } = setUp();
    await sleep(INTERVAL * 3);
    expect(state.reads).toEqual([]);
    const stop = updates.watch(lists, false, viewer());
    await until(() => state.reads.length > 0);
    stop();
    expect(updates.viewers).toBe(0);
    await sleep(INTERVAL * 2);
    const count = state.reads.length;
    await sleep(INTERVAL * 5);
    expect(state.reads).toHaveLength(count);
    updates.watch(lists, false, viewer()); // and begin again
    await until(() => state.reads.length > count);
    updates.close();
  });

  test("show a page to those who have not seen it so", async () => {
    const { updates, state } = setUp();
    const [current, late] = [viewer("1"), viewer("0")];
    updates.watch(lists, false, current);
    updates.watch(lists, false, late);
    await until(() => state.reads.length >= 2);
    expect([current.got, late.got]).toEqual([[], ["<p>1"]]);
    state.fingerprint = "2";
    await until(() => current.got.length > 0);
    expect([current.got, late.got]).toEqual([["<p>2"], ["<p>1", "<p>2"]]);
    updates.close();
    expect(current.got.at(-1)).toBe("ended");
  });

  test("say that the store does not answer, and show the page again when it does", async () => {
    const { updates, state } = setUp();
    const own = viewer("1");
    state.error = new Error("down");
    updates.watch(lists, false, own);
    await until(() => own.got.length > 0);
    state.error = undefined;
    await until(() => own.got.at(-1) !== "failed");
    expect([...new Set(own.got)]).toEqual(["failed", "<p>1"]);
    updates.close();
  });

  test("tell pages apart, and what may be done on them", async () => {
    const { updates, state } = setUp();
    for (const [request, mayAct] of [
      [lists, false],
      [lists, true],
      [other, false],
    ] as const)
      updates.watch(request, mayAct, viewer());
    await until(() => state.reads.length >= 3);
    expect(updates.viewers).toBe(3);
    updates.close();
    expect(updates.viewers).toBe(0);
  });

  test("of a board that was closed end at once, and leave the process its time", async () => {
    const { updates, state } = setUp();
    updates.watch(lists, false, viewer());
    updates.close();
    const late = viewer();
    updates.watch(lists, false, late);
    expect(late.got).toEqual(["ended"]);
    expect(updates.viewers).toBe(0);
    await sleep(INTERVAL * 3);
    expect(state.reads).toEqual([]);
  });
});
