import { join } from "node:path";
import fc from "fast-check";
import { type Adapter, recover, redeliver, type Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { SqliteAdapter } from "taskledger/sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ClaimState, isClaimed, REDELIVERY } from "../../src/adapter/claim-store.js";
import { VersionClock } from "../../src/core/version.js";
import { temporaryFolder } from "../support/folders.js";
import { create, find, LIST, nothing, openIds, openTasks, type Tasks } from "./setup.js";

const folder = temporaryFolder();
const NOON = 1_800_000_000_000;
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
let files = 0;
let tasks: Tasks;

/** Sets the clock of this host, which then stands. */
const setClock = (time: number) => vi.setSystemTime(time);

beforeEach(() => vi.useFakeTimers({ now: NOON, toFake: ["Date"] }));
afterEach(async () => {
  await tasks?.close();
  vi.useRealTimers();
});

const clock = () => new VersionClock(() => BigInt(Date.now()) * 1000n);
const stores: [string, () => Adapter][] = [
  ["memory", () => new MemoryAdapter({ clock: clock() })],
  ["SQLite", () => new SqliteAdapter({ path: join(folder, `${files++}.db`), clock: clock() })],
];

describe.each(stores)("on a host whose clock was an hour ahead, with %s,", (_, openStore) => {
  beforeEach(async () => {
    tasks = openTasks(openStore());
    await create(tasks);
    setClock(NOON + HOUR);
  });

  /** Claims the task, and lets it be tried again later. */
  async function retryIn(milliseconds: number): Promise<void> {
    const claim = await tasks.claim(await find(tasks));
    expect(claim).toBeDefined();
    await claim?.release({ retryIn: milliseconds });
  }

  async function expectRefused(): Promise<void> {
    expect(await tasks.claim(await find(tasks), { owner: "another" })).toBeUndefined();
  }

  test("a retry that was noted then is due once the clock is right", async () => {
    await retryIn(SECOND);
    setClock(NOON + 10 * SECOND);
    expect(await tasks.stats(LIST)).toMatchObject({ open: 1, waiting: 0 });
    expect(await tasks.claimState(await find(tasks))).toMatchObject({ attempt: 1, waitsUntil: undefined });
    expect(await recover(tasks, LIST, nothing, { olderThan: 0 })).toMatchObject({ completed: 1, passedOver: 0 });
    expect(await openIds(tasks)).toEqual([]);
  });

  test("a retry that is noted once the clock is right waits its time", async () => {
    await retryIn(SECOND);
    setClock(NOON + 10 * SECOND);
    await retryIn(60 * SECOND);
    setClock(NOON + 69 * SECOND);
    await expectRefused();
    expect(await tasks.stats(LIST)).toMatchObject({ waiting: 1 });
    setClock(NOON + 70 * SECOND);
    expect(await tasks.claim(await find(tasks))).toMatchObject({ attempt: 3 });
  });

  test("a retry waits its time as long as the clock stays as it is, and when it is set by a little", async () => {
    await retryIn(60 * SECOND);
    setClock(NOON + HOUR + 59 * SECOND);
    await expectRefused();
    setClock(NOON + HOUR - 2 * SECOND);
    await expectRefused();
  });

  test("a lease that was taken then keeps others away, for its holder may be at work", async () => {
    await tasks.claim(await find(tasks), { owner: "me", lease: 60 * SECOND });
    setClock(NOON + 10 * SECOND);
    await expectRefused();
    expect(await tasks.claim(await find(tasks), { owner: "me" })).toBeDefined();
  });

  test("what was handed to a queue then is handed over again once the clock is right", async () => {
    const handOver = async () => {
      let sent = 0;
      const count = (some: readonly Task[]) => {
        sent += some.length;
      };
      await redeliver(tasks, LIST, count, { olderThan: 0, interval: 60 * SECOND });
      return sent;
    };
    expect([await handOver(), await handOver()]).toEqual([1, 0]);
    setClock(NOON + 10 * SECOND);
    expect([await handOver(), await handOver()]).toEqual([1, 0]);
  });
});

describe("in a process whose tests set the date", () => {
  // These follow each other in one process, whose clock of versions does not go back.
  test.each([
    ["for the first time", NOON],
    ["to the same time again", NOON],
    ["to the day before", NOON - 24 * HOUR],
  ])("%s, each finds its own tasks and retries", async (_, time) => {
    for (const adapter of [new MemoryAdapter(), new SqliteAdapter({ path: join(folder, `${files++}.db`) })]) {
      setClock(time);
      tasks = openTasks(adapter);
      await create(tasks);
      setClock(time + 61 * SECOND);
      await (await tasks.claim(await find(tasks)))?.release({ retryIn: SECOND });
      expect(await recover(tasks, LIST, nothing)).toMatchObject({ completed: 0 });
      setClock(time + 62 * SECOND);
      expect(await recover(tasks, LIST, nothing)).toMatchObject({ completed: 1 });
      await tasks.close();
    }
  });
});

describe("isClaimed", () => {
  const free: ClaimState = { savedAt: 1n, owner: undefined, token: 0n, attempt: 1, until: 0 };
  const judge = (state: Partial<ClaimState>, now: number, tolerance = 0) =>
    isClaimed({ ...free, ...state }, { savedAt: 1n, owner: "me" }, { now, tolerance });

  test("believes every wait that was noted by a clock within the limit", () => {
    const moments = fc.record({
      limit: fc.integer({ min: 0, max: 60 * SECOND }),
      /** Of the host that noted the wait, and of the one that looks; parts of the limit. */
      offsets: fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })),
      /** The token may follow a version that another host has made. */
      seen: fc.double({ min: -1, max: 2, noNaN: true }),
      worked: fc.integer({ min: 0, max: HOUR }),
      retryIn: fc.integer({ min: 1, max: 100 * HOUR }),
      passed: fc.integer({ min: 0, max: 200 * HOUR }),
    });
    fc.assert(
      fc.property(moments, ({ limit, offsets: [noted, looks], seen, worked, retryIn, passed }) => {
        const claimedAt = NOON + Math.round(noted * limit);
        const token = BigInt(Math.max(claimedAt, Math.round(claimedAt + seen * limit))) * 1000n;
        const until = claimedAt + worked + retryIn;
        const now = NOON + worked + passed + Math.round(looks * limit);
        expect(judge({ token, until }, now, 2 * limit)).toBe(now < until);
      }),
    );
  });

  test("judges a lease by its end alone, whatever its token", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 53n), fc.integer({ min: 0, max: 2 * NOON }), (token, until) => {
        expect(judge({ owner: "another", token, until }, NOON)).toBe(NOON < until);
      }),
    );
  });

  test("lets nobody claim what was completed, whatever clock completed it", () => {
    const completed = { token: BigInt(NOON + HOUR) * 1000n, until: 8_640_000_000_000_000 };
    expect(judge(completed, NOON)).toBe(true);
  });

  test.each([
    ["a wait", undefined, "me", false],
    ["a mark", REDELIVERY, REDELIVERY, false],
    ["a lease", "another", "me", true],
  ])("takes %s that a clock ahead by an hour noted for what it is", (_, owner, by, isInTheWay) => {
    const ahead = { ...free, owner, token: BigInt(NOON + HOUR) * 1000n, until: NOON + HOUR + SECOND };
    expect(isClaimed(ahead, { savedAt: 1n, owner: by }, { now: NOON, tolerance: 0 })).toBe(isInTheWay);
    expect(isClaimed(ahead, { savedAt: 1n, owner: by }, { now: NOON + HOUR, tolerance: 0 })).toBe(true);
  });
});
