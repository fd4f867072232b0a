import { dateToVersion, versionToDate } from "taskledger";
import { describe, expect, test } from "vitest";
import { MAX_VERSION, timestampToVersion, VersionClock, versionToTimestamp } from "../../src/core/version.js";
import { failureOf } from "./failure.js";

/** A clock over a wall clock that stands where it is set to. */
function clockAt(micros: bigint, limit?: bigint) {
  const wall = { now: micros };
  return { wall, clock: new VersionClock(() => wall.now, limit) };
}

describe("the clock of versions", () => {
  test("gives the host's time, and never the same version twice", () => {
    const { wall, clock } = clockAt(1000n);
    expect([clock.next(), clock.next(), clock.next()]).toEqual([1000n, 1001n, 1002n]);
    wall.now = 5000n;
    expect(clock.next()).toBe(5000n);
  });

  test("never goes back, though the host's clock does", () => {
    const { wall, clock } = clockAt(5000n);
    clock.next();
    wall.now = 100n;
    expect(clock.next()).toBe(5001n);
  });

  test("gives a version later than the one that is replaced, and than every one that was met", () => {
    const { clock } = clockAt(1000n);
    expect(clock.next(7000n)).toBe(7001n);
    clock.observe(9000n);
    expect(clock.next()).toBe(9001n);
  });

  test("is not carried away by a version that only a wrong clock can have made", () => {
    const { wall, clock } = clockAt(1_000_000n, 1000n);
    clock.observe(1_002_001n);
    expect(clock.next()).toBe(1_000_000n);
    clock.observe(1_002_000n);
    expect(clock.next()).toBe(1_002_001n);
    wall.now = 2_000_000n;
    expect(clock.next(9_000_000n)).toBe(9_000_001n);
    expect(clock.next()).toBe(2_000_000n);
  });

  test("ends with the year 9999", async () => {
    const { clock } = clockAt(1000n);
    expect(clock.next(MAX_VERSION - 1n)).toBe(MAX_VERSION);
    expect(await failureOf(() => clock.next(MAX_VERSION))).toMatchObject({ code: "CLOCK_SKEW" });
    expect(clock.next()).toBe(1000n);
  });

  test("tells the host's own time", () => {
    expect(clockAt(1000n).clock.now()).toBe(1000n);
    const host = new VersionClock().now();
    expect(Math.abs(Number(host / 1000n) - Date.now())).toBeLessThan(1000);
  });
});

describe("a version", () => {
  test.each([1n, 999_999n, 1_000_000n, 1_700_000_000_123_456n, MAX_VERSION])("%s is a timestamp", (version) => {
    expect(timestampToVersion(versionToTimestamp(version))).toBe(version);
  });

  test.each([
    [0n, 0],
    [0n, 1],
    [0n, 999],
    [0n, -1000],
    [0n, 1_000_000_000],
    [-1n, 999_999_000],
    [253_402_300_800n, 0],
  ])("is no timestamp of %s seconds and %s nanoseconds", (seconds, nanos) => {
    expect(timestampToVersion({ ...versionToTimestamp(1n), seconds, nanos })).toBeUndefined();
  });

  test("is a date to the millisecond, and the other way round", () => {
    expect(versionToDate(1_700_000_000_123_456n)).toEqual(new Date(1_700_000_000_123));
    expect(dateToVersion(new Date(1_700_000_000_123))).toBe(1_700_000_000_123_000n);
  });
});
