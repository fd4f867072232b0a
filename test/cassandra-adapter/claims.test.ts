import { beforeEach, describe, expect, test } from "vitest";
import type { ClaimRequest, ClaimState } from "../../src/adapter/claim-store.js";
import { type LedgerOptions, resolveLedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import { ClockGuard } from "../../src/adapters/cassandra/clock-guard.js";
import { CassandraClaims } from "../../src/adapters/cassandra/ledger/claims.js";
import { SessionError } from "../../src/adapters/cassandra/model/session.js";
import { retryCall } from "../../src/adapters/cassandra/retry.js";
import { processRuntime, type Runtime } from "../../src/adapters/cassandra/runtime.js";
import { VersionClock } from "../../src/core/version.js";
import { ClaimTable } from "./claim-table.js";

const key = { taskList: "l", id: "a" };
const SAVED_AT = 1_000_000n;
const LEASE = 10_000;
const CLOCK_LIMIT = 1_000;
/** In milliseconds, by the servers' clock. */
let now: number;
let table: ClaimTable;
/** Of a server, in microseconds. */
let readClock: () => Promise<bigint>;
/** What is open. */
let version: bigint | undefined;

beforeEach(() => {
  now = 1_700_000_000_000;
  readClock = async () => BigInt(now) * 1000n;
  table = new ClaimTable();
  version = SAVED_AT;
});

/** A process on a host whose clock is so many milliseconds ahead. */
async function host(ahead = 0, options: LedgerOptions = {}): Promise<CassandraClaims> {
  const runtime: Runtime = {
    ...processRuntime,
    clock: new VersionClock(() => BigInt(now + ahead) * 1000n),
    monotonic: () => now,
    random: () => 1,
    after(milliseconds, callback) {
      now += milliseconds;
      setImmediate(callback);
      return () => {};
    },
  };
  const { policy, clock } = resolveLedgerOptions({ clockLimit: CLOCK_LIMIT, ...options });
  const guard = new ClockGuard(runtime, clock, () => retryCall(runtime, policy, undefined, () => readClock()));
  const tolerance = 2 * CLOCK_LIMIT;
  return new CassandraClaims(table, runtime, guard, { policy, tolerance, versionOf: async () => version });
}

function request(owner: string, savedAt = SAVED_AT): ClaimRequest {
  return { ...key, savedAt, owner, lease: LEASE };
}

async function claimed(claims: CassandraClaims, owner = "a"): Promise<ClaimState & typeof key> {
  const state = await claims.claim(request(owner, version), undefined);
  if (state === undefined) throw new Error("it was not granted");
  return { ...state, ...key };
}

describe("the lease of a claim", () => {
  test.each([
    [0, 0],
    [CLOCK_LIMIT, -CLOCK_LIMIT],
    [-CLOCK_LIMIT, CLOCK_LIMIT],
  ])("has surely ended when another has the task: clocks %d and %d ms ahead", async (holder, judge) => {
    const start = now;
    await claimed(await host(holder));
    const other = await host(judge);
    let granted: ClaimState | undefined;
    while (granted === undefined) {
      now += 100;
      granted = await other.claim(request("b"), undefined);
    }
    expect(now - start).toBeGreaterThanOrEqual(LEASE);
    expect(now - start).toBeLessThanOrEqual(LEASE + 4 * CLOCK_LIMIT);
  });

  test("is neither given nor renewed by a clock that is off by more than the limit", async () => {
    const claim = await claimed(await host());
    const wild = await host(10 * CLOCK_LIMIT);
    await expect(wild.claim(request("b"), undefined)).rejects.toMatchObject({ code: "CLOCK_SKEW" });
    await expect(wild.renew(claim, LEASE, undefined)).rejects.toMatchObject({ code: "CLOCK_SKEW" });
    expect(table.row(key).state).toMatchObject({ owner: "a" });
  });

  test("is neither given nor renewed while the clocks can't be compared", async () => {
    const claim = await claimed(await host());
    const claims = await host();
    readClock = async () => {
      throw new SessionError("refused", false, "no permission");
    };
    const failure = { name: "TaskError", code: "UNAVAILABLE", outcome: "not-applied" };
    await expect(claims.claim(request("b"), undefined)).rejects.toMatchObject(failure);
    await expect(claims.renew(claim, LEASE, undefined)).rejects.toMatchObject(failure);
    expect(table.row(key).state).toMatchObject({ owner: "a" });
  });

  test("waits for a comparison of the clocks only until it is aborted", async () => {
    const claim = await claimed(await host());
    const claims = await host();
    readClock = () => new Promise(() => {});
    for (const call of [
      (signal: AbortSignal) => claims.claim(request("b"), signal),
      (signal: AbortSignal) => claims.renew(claim, LEASE, signal),
    ]) {
      const aborting = new AbortController();
      const calling = call(aborting.signal);
      aborting.abort();
      await expect(calling).rejects.toMatchObject({ code: "ABORTED", outcome: "not-applied" });
    }
  });

  test("is over at once where the task is released, whatever another host's clock says", async () => {
    const holder = await host(CLOCK_LIMIT);
    await holder.release(await claimed(holder), 0, undefined);
    await claimed(await host(-CLOCK_LIMIT), "b");
  });
});

describe("a claim whose transaction has no answer", () => {
  test.each(["applied, and unknown", "not applied, and unknown"] as const)(
    "(%s) counts as not granted",
    async (failure) => {
      table.failures.push(failure);
      const claims = await host();
      await expect(claims.claim(request("a"), undefined)).rejects.toMatchObject({
        code: "TIMEOUT",
        outcome: "unknown",
        ...key,
      });
      expect(table.calls.filter((call) => call === "replace")).toHaveLength(1);
    },
  );

  test("expires, if it was granted", async () => {
    table.failures.push("applied, and unknown");
    const claims = await host();
    await claims.claim(request("a"), undefined).catch(() => undefined);
    expect(await claims.claim(request("b"), undefined)).toBeUndefined();
    now += LEASE + 2 * CLOCK_LIMIT;
    expect(await claimed(claims, "b")).toMatchObject({ attempt: 2 });
  });

  test("is sent again where it surely was not applied", async () => {
    table.failures.push("not applied", "not applied");
    expect(await claimed(await host())).toMatchObject({ attempt: 1 });
  });

  test("fails as not applied where it never got through until the deadline", async () => {
    table.failures.push(...new Array(100).fill("not applied"));
    const claiming = (await host(0, { deadline: 1_000 })).claim(request("a"), undefined);
    await expect(claiming).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
  });
});

describe("a claim", () => {
  test("is refused where another was granted, or renewed, since it was looked", async () => {
    const [a, b] = [await host(), await host()];
    const claim = await claimed(a);
    now += LEASE + 2 * CLOCK_LIMIT;
    let renewing: Promise<number | undefined> | undefined;
    table.beforeChange = async () => {
      table.beforeChange = undefined;
      renewing = a.renew(claim, LEASE, undefined);
      await renewing;
    };
    expect(await b.claim(request("b"), undefined)).toBeUndefined();
    expect(await renewing).toBeGreaterThan(now);
  });

  test("is granted where a release came between looking and claiming", async () => {
    const claims = await host();
    const claim = await claimed(claims);
    now += LEASE + 2 * CLOCK_LIMIT;
    table.beforeChange = async () => {
      table.beforeChange = undefined;
      await claims.release(claim, 0, undefined);
    };
    expect(await claimed(await host(), "b")).toMatchObject({ attempt: 2 });
  });

  test("sends no transaction where the task is claimed, or the version is not open", async () => {
    await claimed(await host());
    table.calls.length = 0;
    const other = await host();
    expect(await other.claim(request("b"), undefined)).toBeUndefined();
    version = undefined;
    expect(await other.claim(request("b"), undefined)).toBeUndefined();
    version = SAVED_AT + 1n;
    expect(await other.claim(request("b"), undefined)).toBeUndefined();
    expect(table.calls).toEqual(["read", "read", "read"]);
  });

  test("is taken back where the task was completed before it was granted", async () => {
    table.beforeChange = () => {
      version = undefined;
    };
    expect(await (await host()).claim(request("a"), undefined)).toBeUndefined();
    expect(table.row(key).state).toBeUndefined();
  });

  test("leaves no wish behind for a version that was completed under it, and begins anew with the next", async () => {
    const claims = await host();
    await claims.forget(await claimed(claims), undefined);
    table.calls.length = 0;
    expect(await claims.claim(request("b"), undefined)).toBeUndefined();
    expect(table.calls).toEqual(["read"]);
    version = SAVED_AT + 1n;
    expect(await claimed(claims, "b")).toMatchObject({ attempt: 1 });
  });

  test("is taken back to what was there before", async () => {
    const claims = await host();
    await claims.release(await claimed(claims), 0, undefined);
    const before = table.row(key);
    table.beforeChange = () => {
      version = SAVED_AT + 5n;
    };
    expect(await claims.claim(request("b"), undefined)).toBeUndefined();
    expect(table.row(key)).toEqual(before);
    table.beforeChange = undefined;
    expect(await claims.claim(request("b", SAVED_AT + 5n), undefined)).toMatchObject({ attempt: 2 });
  });

  test("that can't be taken back expires, and keeps nobody from a version that is open", async () => {
    version = SAVED_AT + 5n;
    const claims = await host();
    table.beforeChange = () => {
      version = SAVED_AT;
      table.failures.push("not applied, and unknown");
      table.beforeChange = undefined;
    };
    table.failures.push(undefined);
    expect(await claims.claim(request("a", SAVED_AT + 5n), undefined)).toBeUndefined();
    expect(table.row(key).state).toMatchObject({ savedAt: SAVED_AT + 5n, owner: "a" });
    expect(await claims.claim(request("b"), undefined)).toBeUndefined();
    now += LEASE + 2 * CLOCK_LIMIT;
    await claimed(claims, "b");
  });

  test("is granted where a part of what was remembered has expired", async () => {
    table.put(key, { token: null, until: 5, state: undefined });
    expect(await claimed(await host())).toMatchObject({ attempt: 1 });
  });

  test("of many tokens has the highest, whatever clock it is by", async () => {
    const [ahead, behind] = [await host(CLOCK_LIMIT), await host(-CLOCK_LIMIT)];
    const tokens: bigint[] = [];
    for (const claims of [ahead, behind, ahead, behind]) {
      version = SAVED_AT + BigInt(tokens.length);
      const claim = await claimed(claims, "a");
      tokens.push(claim.token);
      await claims.forget(claim, undefined);
    }
    expect(tokens.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(tokens);
    expect(new Set(tokens).size).toBe(4);
  });
});

describe("a renewal", () => {
  test("is sent again until it has an answer: what it does is the same however often it is done", async () => {
    const claims = await host();
    const claim = await claimed(claims);
    table.failures.push("applied, and unknown", "not applied", "not applied, and unknown");
    const until = await claims.renew(claim, LEASE, undefined);
    expect(until).toBe(table.row(key).until);
    expect(until).toBeGreaterThan(claim.until);
  });

  test("fails as unknown where it has no answer until the deadline", async () => {
    const claims = await host(0, { deadline: 1_000 });
    const claim = await claimed(claims);
    table.failures.push(...new Array(100).fill("not applied, and unknown"));
    await expect(claims.renew(claim, LEASE, undefined)).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  });

  test("is not sent again once it is aborted", async () => {
    const claims = await host();
    const claim = await claimed(claims);
    const aborting = new AbortController();
    table.failures.push(...new Array(100).fill("not applied"));
    table.beforeChange = () => aborting.abort();
    const renewing = claims.renew(claim, LEASE, aborting.signal);
    await expect(renewing).rejects.toMatchObject({ code: "ABORTED", outcome: "unknown" });
    const { length } = table.calls;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(table.calls).toHaveLength(length);
  });

  test("of a claim that another has taken over is refused", async () => {
    const claims = await host();
    const claim = await claimed(claims);
    now += LEASE + 2 * CLOCK_LIMIT;
    await claimed(claims, "b");
    expect(await claims.renew(claim, LEASE, undefined)).toBeUndefined();
  });
});

describe("the states of many tasks", () => {
  test("come in the order of the keys, some dozens of a list by one query", async () => {
    const claims = await host();
    const state = (attempt: number): ClaimState => ({
      ...{ savedAt: SAVED_AT, owner: "a", token: 1n, until: 0 },
      attempt,
    });
    const put = (taskList: string, id: string, attempt: number) =>
      table.put({ taskList, id }, { token: 1n, until: 0, state: state(attempt) });
    put("l", "99", 1);
    put("m", "0", 2);
    const of = (taskList: string, count: number) => Array.from({ length: count }, (_, i) => ({ taskList, id: `${i}` }));
    const keys = [...of("m", 1), ...of("l", 100), ...of("m", 1)];
    const attempts = (await claims.states(keys, undefined)).map((each) => each?.attempt);
    expect(attempts).toEqual([2, ...new Array(99).fill(undefined), 1, 2]);
    expect(table.calls).toHaveLength(4 + 1);
  });
});
