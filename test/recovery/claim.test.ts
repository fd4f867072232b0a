import { DataInterface, isTaskError, type Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { failureOf } from "../runtime/failure.js";
import { create, FetchFileTask, failing, find, openTasks, pass, replaceClaims, stopTime, type Tasks } from "./setup.js";

let tasks: Tasks;
let task: FetchFileTask;

beforeEach(async () => {
  stopTime();
  tasks = openTasks();
  task = await create(tasks);
});
afterEach(() => vi.useRealTimers());

describe("a claim", () => {
  test("tells whose it is, when it ends, which attempt it is, and its token", async () => {
    const claim = await tasks.claim(task, { owner: "worker 1", lease: 5_000 });
    expect(claim).toMatchObject({ taskList: "acme.com", id: "file1", owner: "worker 1", attempt: 1 });
    expect(claim?.expiresAt).toEqual(new Date(Date.now() + 5_000));
    expect(claim?.token).toBeGreaterThan(0n);
  });

  test("is not granted to another owner while it lasts, and is granted when it has ended", async () => {
    expect(await tasks.claim(task, { owner: "a", lease: 1_000 })).toBeDefined();
    expect(await tasks.claim(task, { owner: "b" })).toBeUndefined();
    await pass(999);
    expect(await tasks.claim(task, { owner: "b" })).toBeUndefined();
    await pass(1);
    expect(await tasks.claim(task, { owner: "b" })).toMatchObject({ owner: "b", attempt: 2 });
  });

  test("is not granted twice in one process, where no owner is named", async () => {
    expect(await tasks.claim(task)).toBeDefined();
    expect(await tasks.claim(await find(tasks))).toBeUndefined();
  });

  test("can be taken over by its owner, who then has the older one no more", async () => {
    const before = await tasks.claim(task, { owner: "a" });
    const after = await tasks.claim(await find(tasks), { owner: "a" });
    expect(after?.token).toBeGreaterThan(before?.token as bigint);
    expect(await failureOf(() => before?.renew())).toMatchObject({ code: "CLAIM_LOST", id: "file1" });
    await after?.renew();
  });

  test("of many at the same time, one is granted", async () => {
    const claims = await Promise.all(Array.from({ length: 50 }, async () => tasks.claim(await find(tasks))));
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
  });

  test("puts the attempt into the task's envelope", async () => {
    await (await tasks.claim(task))?.release();
    const again = await find(tasks);
    await tasks.claim(again);
    expect(again.envelope.attempt).toBe(2);
  });

  test("has a token that grows with every claim, also within a millisecond, and over saves and completes", async () => {
    const tokens: bigint[] = [];
    const claimOnce = async () => {
      const claim = await tasks.claim(task);
      tokens.push(claim?.token as bigint);
      await claim?.release();
    };
    for (let i = 0; i < 3; i++) await claimOnce();
    await tasks.save(task);
    await claimOnce();
    await tasks.complete(task);
    await pass(1);
    task = await create(tasks);
    await claimOnce();
    for (const [i, token] of tokens.entries()) if (i > 0) expect(token).toBeGreaterThan(tokens[i - 1] as bigint);
  });

  test("is for one version: a task that is saved again can be claimed at once, and its attempts go on growing", async () => {
    await tasks.claim(task, { owner: "a" });
    const newer = await find(tasks);
    await tasks.save(newer);
    expect(await tasks.claim(newer, { owner: "b" })).toMatchObject({ attempt: 2 });
  });

  test("is not granted for a version that was replaced or completed", async () => {
    const old = await find(tasks);
    await tasks.save(task);
    expect(await tasks.claim(old)).toBeUndefined();
    await tasks.complete(task);
    expect(await tasks.claim(task)).toBeUndefined();
  });

  test("begins at attempt 1 when the task was completed and is saved anew", async () => {
    await tasks.claim(task);
    await tasks.complete(task);
    expect(await tasks.claim(await create(tasks))).toMatchObject({ attempt: 1 });
  });

  test("ends when its task is completed, alone or among many, and the store is told so", async () => {
    const forgotten: string[] = [];
    replaceClaims(tasks, () => ({ forget: async ({ id }) => void forgotten.push(id) }));
    const others = [await create(tasks, "file2"), await create(tasks, "file3"), await create(tasks, "file4")];
    const claims = [
      await tasks.claim(task),
      await tasks.claim(others[0] as Task),
      await tasks.claim(others[1] as Task),
    ];
    await tasks.complete(task);
    await tasks.completeAll(others);
    expect(forgotten).toEqual(["file1", "file2", "file3"]);
    for (const claim of claims) expect(await failureOf(() => claim?.renew())).toMatchObject({ code: "CLAIM_LOST" });
  });

  test("does not keep the process running", async () => {
    vi.useRealTimers();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    await tasks.claim(task, { lease: 60_000 });
    expect(timers()).toBe(before);
  });
});

describe("claim.renew", () => {
  test("makes the lease last from now", async () => {
    const claim = await tasks.claim(task, { lease: 1_000 });
    await pass(800);
    await claim?.renew();
    expect(claim?.expiresAt).toEqual(new Date(Date.now() + 1_000));
    await pass(800);
    expect(claim?.signal.aborted).toBe(false);
    expect(await tasks.claim(await find(tasks))).toBeUndefined();
  });

  test("says CLAIM_LOST once another has the task, and aborts the signal with that", async () => {
    const claim = await tasks.claim(task, { lease: 60_000 });
    await tasks.adapter.claims?.release(claim as never, 0);
    await tasks.claim(await find(tasks), { owner: "b" });
    const error = await failureOf(() => claim?.renew());
    expect(error).toMatchObject({ code: "CLAIM_LOST", taskList: "acme.com", id: "file1" });
    expect(claim?.signal.reason).toBe(error);
  });

  test("says CLAIM_LOST once the task is completed", async () => {
    const claim = await tasks.claim(task);
    await tasks.complete(await find(tasks));
    expect(await failureOf(() => claim?.renew())).toMatchObject({ code: "CLAIM_LOST" });
  });

  test("says CLAIM_LOST after the signal was aborted, even if nobody else has the task yet", async () => {
    const claim = await tasks.claim(task, { lease: 1_000 });
    await pass(950);
    expect(await failureOf(() => claim?.renew())).toMatchObject({ code: "CLAIM_LOST" });
  });

  test("says CLAIM_LOST after the release", async () => {
    const claim = await tasks.claim(task);
    await claim?.release();
    expect(await failureOf(() => claim?.renew())).toMatchObject({ code: "CLAIM_LOST" });
  });

  test("changes nothing where the claim is released while it is under way", async () => {
    const claim = await tasks.claim(task, { lease: 1_000 });
    const renewing = failureOf(() => claim?.renew());
    await claim?.release();
    expect(await renewing).toMatchObject({ code: "CLAIM_LOST" });
    await pass(5_000);
    expect(claim?.signal.aborted).toBe(false);
  });

  test("throws what the store throws, and the lease ends when it would have", async () => {
    const claim = await tasks.claim(task, { lease: 1_000 });
    replaceClaims(tasks, () => ({ renew: failing("UNAVAILABLE") }));
    const other = await tasks.claim(await create(tasks, "file2"), { lease: 1_000 });
    await pass(500);
    expect(await failureOf(() => other?.renew())).toMatchObject({ code: "UNAVAILABLE" });
    expect(other?.signal.aborted).toBe(false);
    await pass(400);
    expect(other?.signal.aborted).toBe(true);
    expect(claim?.signal.aborted).toBe(true);
  });
});

describe("claim.signal", () => {
  test("is aborted a little before the lease ends, with CLAIM_LOST", async () => {
    const claim = await tasks.claim(task, { lease: 10_000 });
    await pass(8_999);
    expect(claim?.signal.aborted).toBe(false);
    await pass(1);
    expect(isTaskError(claim?.signal.reason, "CLAIM_LOST")).toBe(true);
  });

  test("counts the lease from before it was asked for", async () => {
    replaceClaims(tasks, (claims) => ({
      async claim(...call) {
        const state = await claims.claim(...call);
        await new Promise((resolve) => setTimeout(resolve, 600));
        return state;
      },
    }));
    const claiming = tasks.claim(task, { lease: 1_000 });
    await pass(600);
    const claim = await claiming;
    await pass(299);
    expect(claim?.signal.aborted).toBe(false);
    await pass(1);
    expect(claim?.signal.aborted).toBe(true);
  });

  test("is not aborted by a clock that is set, nor after the release or the completion", async () => {
    const [claim, released, completed] = [
      await tasks.claim(task, { lease: 1_000 }),
      await tasks.claim(await create(tasks, "file2"), { lease: 1_000 }),
      await create(tasks, "file3"),
    ];
    const done = await tasks.claim(completed, { lease: 1_000 });
    vi.setSystemTime(Date.now() + 3_600_000);
    await pass(10);
    expect(claim?.signal.aborted).toBe(false);
    await released?.release();
    await tasks.complete(completed);
    await pass(5_000);
    expect([claim, released, done].map((each) => each?.signal.aborted)).toEqual([true, false, false]);
  });
});

describe("claim.release", () => {
  test("lets another have the task at once", async () => {
    await (await tasks.claim(task, { owner: "a" }))?.release();
    expect(await tasks.claim(task, { owner: "b" })).toMatchObject({ attempt: 2 });
  });

  test("lets nobody have it before retryIn, not even its owner", async () => {
    await (await tasks.claim(task, { owner: "a" }))?.release({ retryIn: 500 });
    await pass(499);
    for (const owner of ["a", "b"]) expect(await tasks.claim(task, { owner })).toBeUndefined();
    await pass(1);
    expect(await tasks.claim(task, { owner: "b" })).toBeDefined();
  });

  test("leaves the claim of another alone", async () => {
    const old = await tasks.claim(task, { owner: "a", lease: 100 });
    await pass(100);
    const claim = await tasks.claim(await find(tasks), { owner: "b" });
    await old?.release();
    await claim?.renew();
  });

  test("happens by itself at the end of a block, unless it has ended by then", async () => {
    {
      await using _ = await tasks.claim(task);
    }
    await using claim = await tasks.claim(task);
    expect(claim?.attempt).toBe(2);
    await tasks.complete(task);
  });
});

describe("tasks.claim refuses", () => {
  test.each([
    ["an owner without a name", { owner: "" }, "owner"],
    ["an owner of more than 512 characters", { owner: "x".repeat(513) }, "owner"],
    ["a lease of no time", { lease: 0 }, "lease"],
    ["a lease that no timer knows", { lease: 2 ** 31 }, "lease"],
    ["a lease that is no number", { lease: "1s" as never }, "lease"],
    ["a signal that is none", { signal: {} as never }, "signal"],
  ])("%s", async (_, options, field) => {
    expect(await failureOf(() => tasks.claim(task, options))).toMatchObject({ code: "INVALID_ARGUMENT", field });
  });

  test("a task without a version, an aborted call, and a store without claims", async () => {
    const unsaved = FetchFileTask.build({ taskList: "acme.com" });
    expect(await failureOf(() => tasks.claim(unsaved))).toMatchObject({ code: "NOT_SAVED" });
    const signal = AbortSignal.abort();
    expect(await failureOf(() => tasks.claim(task, { signal }))).toMatchObject({ code: "ABORTED" });
    class WithoutClaims extends MemoryAdapter {
      override get claims() {
        return undefined as never;
      }
    }
    const bare = new DataInterface({ types: [FetchFileTask], adapter: new WithoutClaims() });
    const other = await bare.create(FetchFileTask, { taskList: "acme.com" });
    expect(await failureOf(() => bare.claim(other))).toMatchObject({ code: "UNSUPPORTED" });
  });
});
