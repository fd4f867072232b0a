import { writeText } from "../wire/text.js";

/** The longest that a number of 64 bits can be. */
export const MAX_VARINT_BYTES = 10;

const FIRST_BYTES = 64;

/** Bytes in the binary format of protobuf, to which more are added. */
export class Column {
  #bytes = new Uint8Array(0);
  #length = 0;

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  /** What has been added; good until more is. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A whole number from 0 that a double holds exactly. */
  varint(value: number): void {
    this.#reserve(MAX_VARINT_BYTES);
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A number of up to 64 bits, without a sign. */
  longVarint(value: bigint): void {
    this.#reserve(MAX_VARINT_BYTES);
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
    this.#bytes[this.#length++] = Number(rest);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A field of bytes. */
  blob(tag: number, bytes: Uint8Array): void {
    this.varint(tag);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** A field of well-formed text. */
  text(tag: number, text: string): void {
    this.varint(tag);
    this.varint(Buffer.byteLength(text));
    this.#reserve(3 * text.length);
    this.#length += writeText(this.#bytes, this.#length, text);
  }

  /** Room for so many bytes, which the caller fills. */
  take(count: number): Uint8Array {
    this.#reserve(count);
    this.#length += count;
    return this.#bytes.subarray(this.#length - count, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(FIRST_BYTES, needed, 2 * this.#bytes.length));
    larger.set(this.bytes);
    this.#bytes = larger;
  }
}
