import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Reader } from "../wire/reader.js";
import { invalidBatch } from "./batch-limits.js";
import { addTime, toTimestamp } from "./columns.js";

/** A column of a group: its entries are looked for as they are asked for. */
export class Column {
  /** The number of its entries. */
  count = 0;
  /** Where it goes on. */
  at: number;
  readonly #number: number;

  /** The number of its field, and where the group begins. */
  constructor(number: number, at: number) {
    this.#number = number;
    this.at = at;
  }

  /** Moves to the next entry. */
  seek(r: Reader): void {
    r.pos = this.at;
    while (r.field() !== this.#number) r.skip();
  }

  /** Moves to the next entry, which has a length; returns its end. */
  next(r: Reader): number {
    this.seek(r);
    this.at = r.limit();
    return this.at;
  }
}

/** A column of times: the first one, and for each other its difference from the one before it. */
export class Times extends Column {
  /** The end of the numbers that go on at `at`. */
  #end = 0;
  #time: number | bigint = 0;

  /** Adds up the differences of a field. Throws INVALID_BATCH if a sum exceeds 64 bits. */
  add(r: Reader, path: string): void {
    for (const end = r.numbers(); r.pos < end; this.count++) this.#addOne(r, path);
  }

  /** Begins with the first time. */
  rewind(): void {
    this.#time = 0;
  }

  nextTime(r: Reader, path: string): Timestamp {
    while (this.at >= this.#end) {
      this.seek(r);
      this.#end = r.numbers();
      this.at = r.pos;
    }
    r.pos = this.at;
    this.#addOne(r, path);
    this.at = r.pos;
    return toTimestamp(this.#time);
  }

  #addOne(r: Reader, path: string): void {
    const time = addTime(this.#time, r.exactSint64());
    if (time === undefined) throw invalidBatch("the differences add up to more than 64 bits", path);
    this.#time = time;
  }
}
