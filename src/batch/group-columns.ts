import { WireType } from "@bufbuild/protobuf/wire";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { refuse } from "../wire/fallback.js";
import type { Reader } from "../wire/reader.js";
import { TimeSum } from "./columns.js";

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
  #time = new TimeSum();

  /**
   * Reads through a field. Returns whether all times fit into 64 bits. Refuses a last time that ends later than the field, where
   * the other columns go on.
   */
  pass(r: Reader): boolean {
    let fits = true;
    const end = r.numbers();
    for (; r.pos < end; this.count++) fits = this.#time.add(r.exactSint64()) && fits;
    if (r.pos > end && (r.tag & 7) === WireType.LengthDelimited) refuse();
    return fits;
  }

  /** Begins with the first time. */
  rewind(): void {
    this.#time = new TimeSum();
  }

  /** The next time; undefined if the column is empty. */
  nextTime(r: Reader): Timestamp | undefined {
    if (this.count === 0) return undefined;
    while (this.at >= this.#end) {
      this.seek(r);
      this.#end = r.numbers();
      this.at = r.pos;
    }
    r.pos = this.at;
    this.#time.add(r.exactSint64());
    this.at = r.pos;
    return this.#time.toTimestamp();
  }
}
