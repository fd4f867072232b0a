import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { TaskGroup } from "../../gen/taskledger/v1/batch_pb.js";
import { toMicroseconds } from "../core/version.js";
import { isTimestamp } from "../envelope/check.js";
import { readEnvelope } from "../envelope/decode.js";
import { noBytes, type Reader } from "../wire/reader.js";
import { invalidBatch } from "./batch-limits.js";

// The encoding of a group's columns, and of UUIDs and times in them.

/** Reads a group, as protobuf-es does. Bytes in the message are views of the group's. */
export function readColumns(r: Reader, end: number): TaskGroup {
  const group: TaskGroup = {
    $typeName: "taskledger.v1.TaskGroup",
    ids: [],
    uuids: noBytes,
    data: [],
    createdAt: [],
    savedAt: [],
    rest: [],
  };
  r.enter();
  while (r.pos < end)
    switch (r.field()) {
      case 1:
        group.shared = readEnvelope(r, r.limit(), group.shared);
        break;
      case 2:
        group.ids.push(r.string());
        break;
      case 3:
        group.uuids = r.part();
        break;
      case 4:
        group.data.push(r.part());
        break;
      case 5:
        for (const limit = r.numbers(); r.pos < limit; ) group.createdAt.push(r.sint64());
        break;
      case 6:
        for (const limit = r.numbers(); r.pos < limit; ) group.savedAt.push(r.sint64());
        break;
      case 7:
        group.rest.push(r.part());
        break;
      default:
        r.unknown(group);
    }
  r.leave();
  return group;
}

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

/** The text of one of several UUIDs, by its number. */
export function readUuid(bytes: Uint8Array, index: number): string {
  const start = UUID_BYTES * index;
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

/** The times of such differences. Throws INVALID_BATCH if a sum exceeds 64 bits. */
export function readTimes(differences: readonly (bigint | string)[], path: string): Timestamp[] {
  let micros = 0n;
  return differences.map((difference) => {
    micros += BigInt(difference); // protobuf-es can be configured not to use bigints
    if (micros !== BigInt.asIntN(64, micros)) throw invalidBatch("the differences add up to more than 64 bits", path);
    return toTimestamp(micros);
  });
}

/** The seconds are rounded down. Numbers take a fraction of a bigint's time, and are exact for three centuries. */
function toTimestamp(micros: bigint): Timestamp {
  const count = Number(micros);
  if (!Number.isSafeInteger(count)) return toDistantTimestamp(micros);
  const seconds = Math.floor(count / MICROS);
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos: (count - seconds * MICROS) * 1000 };
}

function toDistantTimestamp(micros: bigint): Timestamp {
  const rest = Number(micros % BigInt(MICROS));
  const nanos = (rest < 0 ? rest + MICROS : rest) * 1000;
  return { $typeName: "google.protobuf.Timestamp", seconds: (micros - BigInt(nanos / 1000)) / BigInt(MICROS), nanos };
}
