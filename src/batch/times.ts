import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Column } from "./column.js";

const MICROS = 1_000_000;
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_799;

/** Whether a time is a whole number of microseconds, and in the range of a Timestamp. */
export function isWholeMicros({ seconds, nanos, $unknown }: Timestamp): boolean {
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos > 999_999_999) return false;
  return nanos % 1000 === 0 && !$unknown?.length;
}

/** Times as the differences of their microseconds; seconds by themselves, since a double holds no such number beyond 2255. */
export class TimeColumn {
  readonly #column = new Column();
  #seconds = 0;
  #micros = 0;

  get bytes(): Uint8Array {
    return this.#column.bytes;
  }

  add(time: Timestamp): void {
    const seconds = Number(time.seconds);
    const micros = time.nanos / 1000;
    const [more, moreMicros] = [seconds - this.#seconds, micros - this.#micros];
    const twice = 2 * (more * MICROS + moreMicros);
    if (Number.isSafeInteger(twice)) this.#column.varint(twice < 0 ? -twice - 1 : twice);
    else this.#column.longVarint(zigzag(BigInt(more) * BigInt(MICROS) + BigInt(moreMicros)));
    this.#seconds = seconds;
    this.#micros = micros;
  }
}

function zigzag(value: bigint): bigint {
  return value < 0n ? -2n * value - 1n : 2n * value;
}

/** The times that differences mean. One that is out of range is given as it is. */
export class Times {
  readonly #differences: readonly (number | bigint)[];
  #next = 0;
  #seconds = 0;
  #micros = 0;
  /** The seconds as a bigint, as many times in a row have them. */
  #long = 0n;

  constructor(differences: readonly (number | bigint)[]) {
    this.#differences = differences;
  }

  next(): Timestamp {
    this.#add(this.#differences[this.#next++] as number | bigint);
    if (Number(this.#long) !== this.#seconds) this.#long = BigInt(this.#seconds);
    return { $typeName: "google.protobuf.Timestamp", seconds: this.#long, nanos: this.#micros * 1000 };
  }

  #add(difference: number | bigint): void {
    const micros = typeof difference === "number" ? difference % MICROS : Number(difference % BigInt(MICROS));
    const seconds =
      typeof difference === "number" ? (difference - micros) / MICROS : Number(difference / BigInt(MICROS));
    const sum = this.#micros + micros;
    const carry = Math.floor(sum / MICROS);
    this.#micros = sum - carry * MICROS;
    this.#seconds += seconds + carry;
  }
}
