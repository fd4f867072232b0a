import { describe, expect, test } from "vitest";
import { InFlightLimit } from "../../src/adapters/cassandra/batching/in-flight-limit.js";

const order = (entering: Promise<unknown>[]) => {
  const entered: number[] = [];
  for (const [i, each] of entering.entries()) each.then(() => entered.push(i)).catch(() => undefined);
  return entered;
};
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("where there is room for no more", () => {
  test("an operation waits for some, first come, first served", async () => {
    const limit = new InFlightLimit({ maxOperations: 2, maxBytes: 100, whenFull: "wait" });
    await Promise.all([limit.enter(10, undefined), limit.enter(10, undefined)]);
    const waiting = [90, 10, 10].map((bytes) => limit.enter(bytes, undefined));
    const entered = order(waiting);
    await settle();
    expect(entered).toEqual([]);
    limit.leave(10);
    await settle();
    expect(entered).toEqual([0]); // 10 and 90 bytes are there
    limit.leave(10);
    await settle();
    expect(entered).toEqual([0, 1]);
  });

  test("it fails with OVERLOADED where that is asked for", async () => {
    const limit = new InFlightLimit({ maxOperations: 1, maxBytes: 100, whenFull: "fail" });
    await limit.enter(1, undefined);
    await expect(limit.enter(1, undefined)).rejects.toMatchObject({ code: "OVERLOADED", outcome: "not-applied" });
    limit.leave(1);
    await limit.enter(1, undefined);
  });

  test("one that is aborted while it waits leaves its place to the next", async () => {
    const limit = new InFlightLimit({ maxOperations: 1, maxBytes: 100, whenFull: "wait" });
    await limit.enter(1, undefined);
    const aborting = new AbortController();
    const aborted = limit.enter(1, aborting.signal);
    const next = limit.enter(1, undefined);
    aborting.abort(new Error("enough"));
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED", cause: new Error("enough") });
    limit.leave(1);
    await next;
  });

  test("an operation larger than all room gets in when it is alone", async () => {
    const limit = new InFlightLimit({ maxOperations: 10, maxBytes: 100, whenFull: "wait" });
    await limit.enter(1, undefined);
    const large = limit.enter(1000, undefined);
    const entered = order([large]);
    await settle();
    expect(entered).toEqual([]);
    limit.leave(1);
    await large;
    limit.leave(1000);
    await limit.enter(100, undefined);
  });

  test("100,000 can wait, and be aborted, at no cost that grows with their number", async () => {
    const limit = new InFlightLimit({ maxOperations: 1, maxBytes: 100, whenFull: "wait" });
    await limit.enter(1, undefined);
    const aborting = new AbortController();
    const waiting = Array.from({ length: 100_000 }, (_, i) => limit.enter(1, i % 2 ? aborting.signal : undefined));
    const settled = Promise.allSettled(waiting.map((each) => each.then(() => limit.leave(1))));
    aborting.abort();
    limit.leave(1);
    const outcomes = await settled;
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(50_000);
  });
});
