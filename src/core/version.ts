import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { invalidArgument, TaskError } from "./errors.js";
import { readArgument } from "./read-from.js";
import { timeOf } from "./values.js";

/**
 * A task's version: the microsecond, counted from 1970, at which it was saved. It is also the task's place in its
 * ledger.
 */
export type Version = bigint;

/** The first version that a Timestamp can hold: one microsecond after the start of 1970. */
export const MIN_VERSION: Version = 1n;

/** The last version that a Timestamp can hold: the last microsecond of the year 9999. */
export const MAX_VERSION: Version = 253_402_300_799_999_999n;

const MICROS = 1_000_000n;

/** Whether it can be a task's version, or 0, which is before all. */
export function isVersion(value: unknown): value is Version {
  return typeof value === "bigint" && value >= 0n && value <= MAX_VERSION;
}

export function versionToTimestamp(version: Version): Timestamp {
  const seconds = version / MICROS;
  return { $typeName: "google.protobuf.Timestamp", seconds, nanos: Number(version - seconds * MICROS) * 1000 };
}

/** Returns undefined if the timestamp is not a version. */
export function timestampToVersion(timestamp: Timestamp): Version | undefined {
  return isVersionTime(timestamp) ? toMicroseconds(timestamp.seconds, timestamp.nanos / 1000) : undefined;
}

/** Whether a timestamp is a version: in its range, and a whole number of microseconds. */
export function isVersionTime({ seconds, nanos }: Timestamp): boolean {
  if (nanos % 1000 !== 0 || nanos < 0 || nanos > 999_999_000) return false;
  // Bigints take longer to compare, and numbers are exact far past this range.
  const count = Number(seconds);
  return count >= 0 && count <= LAST_SECOND && (nanos > 0 || count > 0);
}

/** Of the year 9999. */
const LAST_SECOND = 253_402_300_799;

/** For three centuries from 1970 a double holds them exactly, which takes a fraction of the time. */
export function toMicroseconds(seconds: bigint, micros: number): bigint {
  const count = Number(seconds) * 1e6 + micros;
  return Number.isSafeInteger(count) ? BigInt(count) : seconds * MICROS + BigInt(micros);
}

/** Microseconds as milliseconds, rounded down. */
export function toMilliseconds(microseconds: Version): number {
  return Number(microseconds / 1000n);
}

/** The latest of some versions; 0 if there are none. */
export function latestOf(versions: readonly Version[]): Version {
  return versions.reduce((latest, version) => (version > latest ? version : latest), 0n);
}

function checkVersion(field: string, value: unknown): void {
  if (typeof value !== "bigint") throw invalidArgument(field, "a version (bigint, in microseconds)", value);
}

/** The moment of a version, to the millisecond. */
export function versionToDate(version: Version): Date {
  checkVersion("version", version);
  return new Date(toMilliseconds(version));
}

/** The first version that a save at this moment could have had. */
export function dateToVersion(date: Date): Version {
  const time = timeOf(date) ?? Number.NaN;
  if (Number.isNaN(time)) throw invalidArgument("date", "a valid Date", date);
  return BigInt(time) * 1000n;
}

/** The default of how far a host's clock may deviate, in microseconds. */
export const DEFAULT_CLOCK_LIMIT: Version = MICROS;

/**
 * Makes versions: the host's clock, which never stands still or goes back, and which moves past every version that
 * the process sees (a hybrid logical clock, after Kulkarni and others, 2014). So what is saved after something was seen has
 * a later version, whichever host wrote that.
 *
 * A version more than twice `limit` ahead can only come from a wrong clock. It affects only the next save of its own task;
 * otherwise one wrong clock would move those of all other hosts.
 */
export class VersionClock {
  readonly #wallClock: () => Version;
  /** How far the clocks of two hosts may be from one another. */
  readonly #tolerance: Version;
  #last: Version = 0n;
  /** The horizon, its second, and the moment of which it is. */
  #horizon: Version = 0n;
  #horizonSecond = 0;
  #horizonAt: Version = 0n;

  /**
   * `wallClock` gives microseconds since 1970; `limit` is how far clocks may deviate, in microseconds. Throws
   * INVALID_ARGUMENT.
   */
  constructor(wallClock: () => Version = hostClock(), limit: Version = DEFAULT_CLOCK_LIMIT) {
    if (typeof wallClock !== "function") throw invalidArgument("wallClock", "a function", wallClock);
    if (typeof limit !== "bigint") throw invalidArgument("limit", "a bigint, in microseconds", limit);
    this.#wallClock = wallClock;
    this.#tolerance = 2n * limit;
  }

  /** The host's own clock. Throws INVALID_ARGUMENT if it does not return a bigint. */
  now(): Version {
    const now = readArgument("wallClock", this.#wallClock);
    checkVersion("wallClock", now);
    return now;
  }

  /** The latest version that the clock of another host can have made by now; a later one was made by a wrong clock. */
  horizon(): Version {
    const now = this.now();
    if (now !== this.#horizonAt) {
      this.#horizonAt = now;
      this.#horizon = now + this.#tolerance;
      this.#horizonSecond = Number(this.#horizon / MICROS);
    }
    return this.#horizon;
  }

  /**
   * A version later than all that this clock has made or seen, and than `replaced`, the one that it replaces.
   * Throws CLOCK_SKEW past the year 9999.
   */
  next(replaced: Version = 0n): Version {
    checkVersion("replaced", replaced);
    const past = replaced > this.#last ? replaced : this.#last;
    const wall = this.now();
    const version = wall > past ? wall : past + 1n;
    if (version > MAX_VERSION) throw new TaskError("CLOCK_SKEW", "a version lies past the year 9999: a clock is wrong");
    this.observe(version);
    return version;
  }

  /** Moves past a version that was read or received. */
  observe(version: Version): void {
    checkVersion("version", version);
    if (version > this.#last && version <= this.horizon()) this.#last = version;
  }

  /** The same for a timestamp. Makes no bigint of one that is far past the horizon, as all of a hostile batch may be. */
  observeTimestamp(time: Timestamp): void {
    const second = Number(time.seconds);
    if (second > this.#horizonSecond) this.horizon(); // it may have moved on since it was asked for
    if (second > this.#horizonSecond) return;
    const version = timestampToVersion(time);
    if (version !== undefined) this.observe(version);
  }
}

/** Throws INVALID_ARGUMENT unless `clock` is a VersionClock. */
export function checkClock(clock: unknown): void {
  if (clock instanceof VersionClock) return;
  throw invalidArgument("clock", "a VersionClock", clock);
}

/** Milliseconds with lower digits drawn once: hosts whose clocks tick together would often meet in one microsecond. */
function hostClock(): () => Version {
  const offset = BigInt(Math.floor(Math.random() * 1000));
  let millisecond = 0;
  let version: Version = 0n;
  // It is asked several times for each task; to make a bigint takes longer than to ask the time.
  return () => {
    const now = Date.now();
    if (now !== millisecond) {
      millisecond = now;
      version = BigInt(now) * 1000n + offset;
    }
    return version;
  };
}

/** The clock of this process, which decoding and every adapter share. */
export const processClock: VersionClock = new VersionClock();
