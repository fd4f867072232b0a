import driver from "cassandra-driver";
import { describe, expect, test } from "vitest";
import { callDriver } from "../../src/adapters/cassandra/driver/caller.js";
import { TaskError } from "../../src/core/errors.js";

const { errors } = driver;
const failing = (error: Error) => () => Promise.reject(error);

describe("a call of the driver that fails", () => {
  test("may have been applied where its request reached a replica, or by what the caller knows besides", async () => {
    const timeout = 1_000;
    const late = failing(new errors.OperationTimedOutError("no answer"));
    const busy = failing(new errors.BusyConnectionError("127.0.0.1", 1, 1));
    const mayApply = (reached: boolean) => reached;
    await expect(callDriver(driver, timeout, late, mayApply)).rejects.toMatchObject({ mayApply: true });
    await expect(callDriver(driver, timeout, busy, mayApply)).rejects.toMatchObject({ mayApply: false });
    await expect(callDriver(driver, timeout, busy, () => true)).rejects.toMatchObject({ mayApply: true });
  });

  test("has changed nothing where it reads", async () => {
    const late = failing(new errors.OperationTimedOutError("no answer"));
    const call = callDriver(driver, 1_000, late);
    await expect(call).rejects.toMatchObject({ name: "SessionError", kind: "timeout", mayApply: false });
  });

  test("with an error of the adapter's own keeps it", async () => {
    const error = new TaskError("SCHEMA_MISMATCH", "a table is missing");
    await expect(callDriver(driver, 1_000, failing(error))).rejects.toBe(error);
  });
});

test("a call that the driver does not end is given up a quarter of a second past its time", async () => {
  const start = performance.now();
  await expect(callDriver(driver, 10, () => new Promise(() => {}))).rejects.toMatchObject({
    kind: "timeout",
    message: "no answer within 260 ms",
  });
  expect(performance.now() - start).toBeGreaterThan(255);
});
