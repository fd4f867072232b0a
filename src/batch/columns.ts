import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { toMicroseconds } from "../core/version.js";
import { isTimestamp } from "../envelope/check.js";

// The encoding of UUIDs and times in a group's columns.

/** Number of bytes of a UUID. */
export const UUID_BYTES = 16;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether an id is the text of a UUID, in lower case. */
export function isUuid(id: string): boolean {
  return id.length === 36 && UUID.test(id);
}

/** Where the two digits of each byte stand in the text. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/** The bytes of such texts, one after the other. */
export function writeUuids(ids: readonly string[]): Uint8Array {
  return Buffer.from(ids.join("").replaceAll("-", ""), "hex");
}

const text = Buffer.alloc(36, "-");
const digits = Buffer.from("0123456789abcdef");

/** The text of the UUID whose bytes begin at a position. */
export function readUuid(bytes: Uint8Array, start: number): string {
  for (let i = 0; i < UUID_BYTES; i++) {
    const byte = bytes[start + i] as number;
    const at = places[i] as number;
    text[at] = digits[byte >> 4] as number;
    text[at + 1] = digits[byte & 0xf] as number;
  }
  return text.toString("latin1");
}

const MICROS = 1_000_000;

/** A time in microseconds; undefined if it is not a whole number of them, or out of the range of a Timestamp. */
export function toMicros(time: Timestamp): bigint | undefined {
  const { seconds, nanos, $unknown } = time;
  if (nanos % 1000 !== 0 || $unknown?.length || !isTimestamp(time)) return undefined;
  return toMicroseconds(seconds, nanos / 1000);
}

/** The first time, and for each other its difference from the one before it. */
export function writeTimes(times: readonly bigint[]): bigint[] {
  let last = 0n;
  return times.map((time) => {
    const difference = time - last;
    last = time;
    return difference;
  });
}

/** A time to which differences are added: seconds and microseconds, since numbers hold these exactly. */
export class TimeSum {
  #seconds = 0;
  #micros = 0;
  #last = 0n;

  /** Adds microseconds. Returns whether the sum fits into 64 bits. */
  add(difference: number | bigint): boolean {
    const rest = typeof difference === "bigint" ? Number(difference % MILLION) : difference % MICROS;
    const seconds = typeof difference === "bigint" ? Number(difference / MILLION) : (difference - rest) / MICROS;
    const micros = this.#micros + rest;
    const carry = Math.floor(micros / MICROS);
    this.#seconds += seconds + carry;
    this.#micros = micros - carry * MICROS;
    return !this.#isBefore(MIN_SECONDS, MIN_MICROS) && this.#isBefore(MAX_SECONDS, MAX_MICROS + 1);
  }

  toTimestamp(): Timestamp {
    // Many times are in the second of the one before.
    if (Number(this.#last) !== this.#seconds) this.#last = BigInt(this.#seconds);
    return { $typeName: "google.protobuf.Timestamp", seconds: this.#last, nanos: this.#micros * 1000 };
  }

  #isBefore(seconds: number, micros: number): boolean {
    return this.#seconds < seconds || (this.#seconds === seconds && this.#micros < micros);
  }
}

const MILLION = BigInt(MICROS);

/** The first and the last microsecond of 64 bits. */
const [MIN_SECONDS, MIN_MICROS] = [-9_223_372_036_855, 224_192];
const [MAX_SECONDS, MAX_MICROS] = [9_223_372_036_854, 775_807];
