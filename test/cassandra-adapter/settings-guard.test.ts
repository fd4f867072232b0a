import driver, { type Client } from "cassandra-driver";
import { TaskError } from "taskledger";
import { describe, expect, test } from "vitest";
import { Caller } from "../../src/adapters/cassandra/driver/caller.js";
import { SessionError } from "../../src/adapters/cassandra/model/session.js";
import { SettingsGuard } from "../../src/adapters/cassandra/schema/settings-guard.js";
import { ManualRuntime } from "./manual-runtime.js";

const INTERVAL = 60_000;
const TIMEOUT = 3_000;
const mismatch = new TaskError("SCHEMA_MISMATCH", "other shards");
const unreachable = new SessionError("unavailable", false, "too few replicas");

/** A guarded client, and its guard; each look has to be answered by the test. */
function setUp() {
  const host = new ManualRuntime();
  const looks: { timeout: number; answer(error?: Error): Promise<void> }[] = [];
  const guard = new SettingsGuard(host, INTERVAL, (timeout) => {
    return new Promise<void>((resolve, reject) => {
      const answer = (error?: Error) => {
        if (error) reject(error);
        else resolve();
        return host.pass(0);
      };
      looks.push({ timeout, answer });
    });
  });
  const calls: unknown[][] = [];
  const execute = async (query: string, _params: unknown, { readTimeout }: { readTimeout: number }) => {
    calls.push([query, readTimeout]);
    return { rows: ["written"], info: {} };
  };
  const client = { execute } as unknown as Client;
  const consistency = driver.types.consistencies.localQuorum;
  const caller = new Caller({ client, driver, keyspace: "tasks", consistency, guard });
  const outcomes: unknown[] = [];
  const call = () => {
    caller.read("row", [], TIMEOUT).then(
      ({ rows }) => outcomes.push(rows[0]),
      (error) => outcomes.push(error),
    );
    return host.pass(0);
  };
  const answer = (error?: Error) => looks.shift()?.answer(error);
  return { host, guard, looks, calls, outcomes, call, answer };
}

/** The same, once it is known that all is as it was. */
async function trusted() {
  const setup = setUp();
  await setup.call();
  await setup.answer();
  setup.calls.length = setup.outcomes.length = 0;
  return setup;
}

describe("calls to a keyspace that was opened", () => {
  test("wait at first: something may have changed before it was listened to", async () => {
    const { looks, calls, outcomes, call, answer } = setUp();
    await call();
    expect([calls, looks[0]?.timeout]).toEqual([[], TIMEOUT]);
    await answer();
    expect([calls, outcomes]).toEqual([[["row", TIMEOUT]], ["written"]]);
  });

  test("wait for nothing while nothing has changed, not even while the settings are looked at from time to time", async () => {
    const { host, looks, outcomes, call, answer } = await trusted();
    await host.pass(INTERVAL);
    await call();
    expect([looks.length, outcomes]).toEqual([0, ["written"]]);
    await host.pass(1);
    await call();
    await call();
    expect([looks.length, outcomes.length]).toEqual([1, 3]);
    await answer();
    await call();
    expect([looks.length, outcomes.length]).toEqual([0, 4]);
  });

  test("go on where the settings could not be looked at from time to time, and that is tried again", async () => {
    const { host, looks, outcomes, call, answer } = await trusted();
    await host.pass(INTERVAL + 1);
    await call();
    await answer(unreachable);
    await call();
    expect([looks.length, outcomes]).toEqual([1, ["written", "written"]]);
  });

  test("wait together where the schema has changed, and go on where the settings have not", async () => {
    const { guard, looks, calls, call, answer } = await trusted();
    guard.suspect();
    for (let i = 0; i < 3; i++) await call();
    expect([looks.length, calls.length]).toEqual([1, 0]);
    await answer();
    expect(calls).toHaveLength(3);
  });

  test("wait for another look where the schema changes during one", async () => {
    const { guard, looks, calls, call, answer } = await trusted();
    guard.suspect();
    await call();
    guard.suspect();
    await answer();
    expect([looks.length, calls.length]).toEqual([1, 0]);
    await answer();
    expect(calls).toHaveLength(1);
  });

  test("fail where the schema has changed and the settings can't be looked at, so that they are tried again", async () => {
    const { guard, calls, outcomes, call, answer } = await trusted();
    guard.suspect();
    await call();
    await answer(unreachable);
    expect([calls, outcomes]).toEqual([[], [unreachable]]);
    await call();
    await answer();
    expect(calls).toHaveLength(1);
  });

  test.each([true, false])(
    "fail where the settings are others; each second they are looked at again (heard of: %s)",
    async (isHeard) => {
      const { host, guard, looks, calls, outcomes, call, answer } = await trusted();
      if (isHeard) guard.suspect();
      else await host.pass(INTERVAL + 1);
      await call();
      await answer(mismatch);
      calls.length = outcomes.length = 0;
      await call();
      await host.pass(999);
      await call();
      expect([looks.length, calls, outcomes]).toEqual([0, [], [mismatch, mismatch]]);
      await host.pass(1);
      await call();
      await answer();
      expect([calls.length, outcomes.at(-1)]).toEqual([1, "written"]);
    },
  );

  test("are looked at anew at once where the schema changes once more", async () => {
    const { guard, calls, call, answer } = await trusted();
    guard.suspect();
    await call();
    await answer(mismatch);
    guard.suspect();
    await call();
    await answer();
    expect(calls).toHaveLength(1);
  });
});
