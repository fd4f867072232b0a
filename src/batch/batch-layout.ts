import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";

const MICROS = 1_000_000n;
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;

/** Microseconds since 1970; undefined where the timestamp is something else as well, or out of its range. */
export function timestampToMicros({ seconds, nanos, $unknown }: Timestamp): bigint | undefined {
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos > 999_999_999) return undefined;
  if (nanos % 1000 !== 0 || $unknown?.length) return undefined;
  return seconds * MICROS + BigInt(nanos / 1000);
}

/** The timestamp; of a time before 1970 with its seconds rounded down. */
export function microsToTimestamp(micros: bigint): Timestamp {
  const fraction = ((micros % MICROS) + MICROS) % MICROS;
  return create(TimestampSchema, { seconds: (micros - fraction) / MICROS, nanos: Number(fraction) * 1000 });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The 16 bytes of an id that is the text of a UUID, in lower case. */
export function uuidToBytes(id: string): Uint8Array | undefined {
  return id.length === 36 && UUID.test(id) ? Buffer.from(id.replaceAll("-", ""), "hex") : undefined;
}

/** The text of the UUID that begins at an offset. */
export function uuidAt(bytes: Uint8Array, offset: number): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset + offset, 16).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
