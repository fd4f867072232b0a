import { describe, expect, test } from "vitest";
import { resolveLedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import { Ledger } from "../../src/adapters/cassandra/ledger/ledger.js";
import { type LedgerSession, SessionError } from "../../src/adapters/cassandra/model/session.js";
import { retryCall } from "../../src/adapters/cassandra/retry.js";
import { processRuntime, type Runtime, sleep } from "../../src/adapters/cassandra/runtime.js";
import { ManualRuntime } from "./manual-runtime.js";
import { ScriptedSession } from "./scripted-session.js";

const policy = { deadline: 10_000, attemptTimeout: 1_000 };
const pages = { pageSize: 10, maxPageBytes: 1_000_000 };
const ledgerOn = (session: LedgerSession, runtime: Runtime = processRuntime) => {
  const settings = { shards: 2, dataCenter: "dc1", gracePeriod: 60_000 };
  return new Ledger({ session, settings, options: resolveLedgerOptions({}), runtime });
};

describe("an abort", () => {
  test("ends a read whose answer does not come", async () => {
    const aborting = new AbortController();
    const reading = ledgerOn(new ScriptedSession()).find([{ taskList: "l", id: "a" }], aborting.signal);
    aborting.abort();
    await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("ends a pass whose first read does not come back", async () => {
    const aborting = new AbortController();
    const reading = ledgerOn(new ScriptedSession())
      .all("l", { ...pages, signal: aborting.signal })
      .next();
    aborting.abort();
    await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("ends the wait before the next attempt", async () => {
    const aborting = new AbortController();
    const host = { ...processRuntime, random: () => 1, after: () => () => {} };
    const reading = retryCall(host, policy, aborting.signal, async () => {
      throw new SessionError("unavailable", false, "too few replicas");
    });
    await new Promise((resolve) => setImmediate(resolve));
    aborting.abort();
    await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("a find", () => {
  test("that nobody waits for any more is not tried again", async () => {
    let reads = 0;
    const readTasks = async () => {
      reads++;
      throw new SessionError("unavailable", false, "too few replicas");
    };
    const host = new ManualRuntime();
    const failing = ledgerOn(new ScriptedSession({ readTasks }), host);
    const aborting = new AbortController();
    const aborted = failing.find([{ taskList: "l", id: "a" }], aborting.signal);
    await host.pass(0);
    aborting.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
    await host.pass(5_000);
    expect(reads).toBe(1);
  });
});

describe("a read", () => {
  test("is tried again where another attempt may succeed", async () => {
    const kinds = ["timeout", "connection", "unavailable", "overloaded", "failure"] as const;
    let attempts = 0;
    const read = async () => {
      const kind = kinds[attempts++];
      if (kind) throw new SessionError(kind, false, kind);
      return "read";
    };
    expect(await retryCall({ ...processRuntime, random: () => 0 }, policy, undefined, read)).toBe("read");
    expect(attempts).toBe(kinds.length + 1);
  });

  test("is given up at once where the wait before the next attempt would last past the deadline", async () => {
    const host = new ManualRuntime();
    const start = host.monotonic();
    const attempts: number[] = [];
    const read = async (timeout: number) => {
      attempts.push(timeout);
      await sleep(host, timeout);
      throw new SessionError("timeout", false, "no answer");
    };
    const end = retryCall(host, { deadline: 90, attemptTimeout: 80 }, undefined, read).catch(({ code }) => {
      return [code, host.monotonic() - start];
    });
    await host.pass(1_000);
    expect(await end).toEqual(["TIMEOUT", 80]);
    expect(attempts).toEqual([80]);
  });

  test("is not where the server will always refuse it", async () => {
    let attempts = 0;
    const read = async () => {
      attempts++;
      throw new SessionError("refused", false, "no such table");
    };
    await expect(retryCall(processRuntime, policy, undefined, read)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(attempts).toBe(1);
  });
});
