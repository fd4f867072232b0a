import { markAsUntransferable } from "node:worker_threads";
import type { Message } from "@bufbuild/protobuf";
import { fallBack } from "./fallback.js";
import { MAX_MESSAGE_DEPTH } from "./reader.js";
import { writeText } from "./text.js";
import { double, float, HIGH, halves, LOW, long, unsignedLong } from "./words.js";

/** Results lie side by side in slabs of this size, since an ArrayBuffer takes longer to make than a result. */
const SLAB_BYTES = 16384;

/** Larger results have an ArrayBuffer of their own: one of them should not keep much else in memory. */
const MAX_IN_SLAB = 1024;

/** A result that outgrows a slab is written here, if it fits, and copied. */
const scratch = new Uint8Array(65536);

/** Up to this length, writing ASCII characters one by one is faster than a call into Node. */
const SHORT = 64;

/** Room for the longest tag, followed by the longest number, or by a length of one byte and a short text. */
const ROOM = 5 + 1 + SHORT;

/**
 * Writes the binary format for generated encoders, and checks all values. It falls back to protobuf-es for values that are not
 * exactly as the schema has them, valid or not: protobuf-es throws the error, if there is one.
 *
 * Each method takes the position to write at, and returns the position after: this is faster than a member. A value is given
 * with its tag; 0, which no field has, stands for no tag, in packed lists.
 */
export class Writer {
  /** The bytes that are written to. */
  bytes: Uint8Array<ArrayBuffer> = scratch;
  /** How deep the message that is written is nested, from 0. */
  depth = 0;
  /** The slab of the next results. */
  slab: Uint8Array<ArrayBuffer> = scratch;
  /** The slab's ArrayBuffer: reading it from the slab would take as long as creating a result. */
  buffer: ArrayBuffer = scratch.buffer;
  /** The end of the results in the slab. */
  used: number = SLAB_BYTES;

  /** Starts a result; returns its first position. */
  start(): number {
    if (this.used + MAX_IN_SLAB > SLAB_BYTES) takeSlab(this);
    this.bytes = this.slab;
    this.depth = 0;
    return this.used;
  }

  /** A result's bytes, in a slab or in an ArrayBuffer of their own. */
  finish(start: number, end: number): Uint8Array<ArrayBuffer> {
    const length = end - start;
    if (length > MAX_IN_SLAB || this.bytes !== this.slab) return this.bytes.slice(start, end);
    this.used = end;
    return new Uint8Array(this.buffer, start, length);
  }

  /** Reserves room for `length` more bytes; what has been written keeps its position. */
  reserve(p: number, length: number): void {
    if (p + length > this.bytes.length) grow(this, p, p + length);
  }

  /** Begins a message. Falls back unless it is a plain object of this type. */
  enter(message: Message, typeName: string): void {
    const prototype = message?.$typeName === typeName ? Object.getPrototypeOf(message) : undefined;
    if (prototype !== Object.prototype && prototype !== null) fallBack();
    if (++this.depth >= MAX_MESSAGE_DEPTH) fallBack();
  }

  /** Ends a message. Falls back if it has other properties than those that were written. */
  leave(p: number, others: number): number {
    this.depth--;
    return others === 0 ? p : fallBack();
  }

  /** Returns the same list. Falls back unless it is a plain array. */
  list<T>(list: T[]): T[] {
    return Array.isArray(list) && Object.getPrototypeOf(list) === Array.prototype ? list : fallBack();
  }

  /** Returns the same object. Falls back unless it is a plain object. */
  plain<T extends object>(object: T): T {
    const prototype = object ? Object.getPrototypeOf(object) : undefined;
    return prototype === Object.prototype || prototype === null ? object : fallBack();
  }

  /** The entries of a map. */
  entries<V>(map: { [key: string]: V } | { [key: number]: V }): [string, V][] {
    return Object.entries(this.plain(map));
  }

  /** A map's key that is a 64-bit integer, or such a number kept as text. */
  decimal(text: string): bigint {
    return typeof text === "string" && decimal.test(text) ? BigInt(text) : fallBack();
  }

  /** A map's key that is an integer. */
  integer(key: string): number {
    const value = Number(key);
    return String(value) === key ? value : fallBack();
  }

  /** A map's key that is a boolean. */
  truth(key: string): boolean {
    return key === "true" || (key === "false" ? false : fallBack());
  }

  /** Falls back if a field without generated code is set. */
  refuse(isSet: boolean): void {
    if (isSet) fallBack();
  }

  /** Whether a number is zero, and not negative zero. */
  isZero(value: number): boolean {
    return Object.is(value, 0);
  }

  /** Whether there are no bytes. */
  isEmpty(blob: Uint8Array): boolean {
    return isBytes(blob) ? blob.length === 0 : fallBack();
  }

  /** Writes a tag, and reserves room for a number or a short text after it. */
  tag(p: number, tag: number): number {
    if (p + ROOM > this.bytes.length) grow(this, p, p + ROOM);
    const { bytes } = this;
    if (tag < 0x80) {
      bytes[p] = tag;
      return tag === 0 ? p : p + 1;
    }
    if (tag >= 0x4000) return writeVarint(bytes, p, tag);
    bytes[p] = (tag & 0x7f) | 0x80;
    bytes[p + 1] = tag >>> 7;
    return p + 2;
  }

  /** Begins a length-delimited value; returns its start, which `join` needs. */
  fork(p: number, tag: number): number {
    return this.tag(p, tag) + 1;
  }

  /** Ends a length-delimited value. If its length needs more than one byte, the value is moved. */
  join(start: number, end: number): number {
    const length = end - start;
    if (length >= 0x80) return moveFor(this, start, end);
    this.bytes[start - 1] = length;
    return end;
  }

  /** Writes a value of type `string`. */
  string(p: number, tag: number, text: string): number {
    if (typeof text !== "string") fallBack();
    const { length } = text;
    const start = this.tag(p, tag) + 1;
    if (length > SHORT) return writeLong(this, start - 1, text);
    const { bytes } = this;
    const written = writeAscii(bytes, start, text, length);
    if (written < length) return writeLong(this, start - 1, text);
    bytes[start - 1] = length;
    return start + length;
  }

  /** Writes a value of type `bytes`. */
  blob(p: number, tag: number, blob: Uint8Array): number {
    if (!isBytes(blob)) fallBack();
    const at = this.tag(p, tag);
    this.reserve(at, blob.length + 5);
    const start = writeVarint(this.bytes, at, blob.length);
    this.bytes.set(blob, start);
    return start + blob.length;
  }

  /** Writes bytes that are already encoded. */
  raw(p: number, bytes: Uint8Array): number {
    this.reserve(p, bytes.length);
    this.bytes.set(bytes, p);
    return p + bytes.length;
  }

  /** Writes a value of type `bool`. */
  bool(p: number, tag: number, value: boolean): number {
    if (typeof value !== "boolean") fallBack();
    const at = this.tag(p, tag);
    this.bytes[at] = value ? 1 : 0;
    return at + 1;
  }

  /** Writes a value of type `uint32`. */
  uint32(p: number, tag: number, value: number): number {
    if (typeof value !== "number" || value >>> 0 !== value) fallBack();
    const at = this.tag(p, tag);
    return writeVarint(this.bytes, at, value);
  }

  /** Writes a value of type `int32`. */
  int32(p: number, tag: number, value: number): number {
    if (typeof value !== "number" || (value | 0) !== value) fallBack();
    const at = this.tag(p, tag);
    return value >= 0 ? writeVarint(this.bytes, at, value) : writeVarint64(this.bytes, at, value, -1);
  }

  /** Writes a value of type `sint32`. */
  sint32(p: number, tag: number, value: number): number {
    if (typeof value !== "number" || (value | 0) !== value) fallBack();
    const at = this.tag(p, tag);
    return writeVarint(this.bytes, at, ((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** Writes a value of type `fixed32`. */
  fixed32(p: number, tag: number, value: number): number {
    if (typeof value !== "number" || value >>> 0 !== value) fallBack();
    const at = this.tag(p, tag);
    return writeFixed(this.bytes, at, value);
  }

  /** Writes a value of type `sfixed32`. */
  sfixed32(p: number, tag: number, value: number): number {
    if (typeof value !== "number" || (value | 0) !== value) fallBack();
    const at = this.tag(p, tag);
    return writeFixed(this.bytes, at, value);
  }

  /** Writes a value of type `float`. */
  float(p: number, tag: number, value: number): number {
    if (typeof value !== "number") fallBack();
    float[0] = value;
    if (!Number.isFinite(float[0]) && Number.isFinite(value)) fallBack();
    const at = this.tag(p, tag);
    return writeFixed(this.bytes, at, halves[0] as number);
  }

  /** Writes a value of type `double`. */
  double(p: number, tag: number, value: number): number {
    if (typeof value !== "number") fallBack();
    double[0] = value;
    const at = this.tag(p, tag);
    return writeFixedHalves(this.bytes, at);
  }

  /** Writes a value of type `int64`. */
  int64(p: number, tag: number, value: bigint): number {
    setLong(value);
    const at = this.tag(p, tag);
    return writeVarint64(this.bytes, at, halves[LOW] as number, halves[HIGH] as number);
  }

  /** Writes a value of type `uint64`. */
  uint64(p: number, tag: number, value: bigint): number {
    setUnsignedLong(value);
    const at = this.tag(p, tag);
    return writeVarint64(this.bytes, at, halves[LOW] as number, halves[HIGH] as number);
  }

  /** Writes a value of type `sint64`. */
  sint64(p: number, tag: number, value: bigint): number {
    setLong(value);
    const low = halves[LOW] as number;
    const high = halves[HIGH] as number;
    const sign = high >> 31;
    const at = this.tag(p, tag);
    return writeVarint64(this.bytes, at, (low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
  }

  /** Writes a value of type `fixed64`. */
  fixed64(p: number, tag: number, value: bigint): number {
    setUnsignedLong(value);
    const at = this.tag(p, tag);
    return writeFixedHalves(this.bytes, at);
  }

  /** Writes a value of type `sfixed64`. */
  sfixed64(p: number, tag: number, value: bigint): number {
    setLong(value);
    const at = this.tag(p, tag);
    return writeFixedHalves(this.bytes, at);
  }

  /** A map from strings to strings, in the order of its object's keys. */
  stringMap(p: number, tag: number, map: Record<string, string>): number {
    let end = p;
    for (const key of Object.keys(this.plain(map))) {
      const entry = this.fork(end, tag);
      end = this.string(entry, 10, key);
      end = this.join(entry, this.string(end, 18, map[key] as string));
    }
    return end;
  }
}

function takeSlab(writer: Writer): void {
  writer.slab = new Uint8Array(SLAB_BYTES);
  writer.buffer = writer.slab.buffer;
  writer.used = 0;
  // Transferring one result to another thread would detach the others.
  markAsUntransferable(writer.buffer);
}

function grow(writer: Writer, p: number, length: number): void {
  const bytes = length <= scratch.length ? scratch : new Uint8Array(length * 2);
  bytes.set(writer.bytes.subarray(0, p));
  writer.bytes = bytes;
}

const decimal = /^(0|-?[1-9]\d{0,19})$/;

/** An object that only has the prototype of a Uint8Array is not one. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && value instanceof Uint8Array;
}

function moveFor(writer: Writer, start: number, end: number): number {
  const length = end - start;
  const more = sizeOfLength(length) - 1;
  writer.reserve(end, more);
  writer.bytes.copyWithin(start + more, start, end);
  writeVarint(writer.bytes, start - 1, length);
  return end + more;
}

function writeVarint(bytes: Uint8Array, p: number, value: number): number {
  let at = p;
  let rest = value;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return at + 1;
}

function writeVarint64(bytes: Uint8Array, p: number, low: number, high: number): number {
  let at = p;
  let lower = low >>> 0;
  let upper = high >>> 0;
  while (upper !== 0) {
    bytes[at++] = (lower & 0x7f) | 0x80;
    lower = ((lower >>> 7) | (upper << 25)) >>> 0;
    upper >>>= 7;
  }
  return writeVarint(bytes, at, lower);
}

function writeFixed(bytes: Uint8Array, p: number, value: number): number {
  bytes[p] = value;
  bytes[p + 1] = value >>> 8;
  bytes[p + 2] = value >>> 16;
  bytes[p + 3] = value >>> 24;
  return p + 4;
}

function writeFixedHalves(bytes: Uint8Array, p: number): number {
  return writeFixed(bytes, writeFixed(bytes, p, halves[LOW] as number), halves[HIGH] as number);
}

function setLong(value: bigint): void {
  if (typeof value !== "bigint") fallBack();
  long[0] = value;
  if (long[0] !== value) fallBack();
}

function setUnsignedLong(value: bigint): void {
  if (typeof value !== "bigint") fallBack();
  unsignedLong[0] = value;
  if (unsignedLong[0] !== value) fallBack();
}

/** Writes two characters at a time, and stops before two that are not both ASCII; returns how many it has written. */
function writeAscii(bytes: Uint8Array, start: number, text: string, length: number): number {
  let i = 0;
  for (; i + 2 <= length; i += 2) {
    const first = text.charCodeAt(i);
    const second = text.charCodeAt(i + 1);
    if ((first | second) >= 0x80) return i;
    bytes[start + i] = first;
    bytes[start + i + 1] = second;
  }
  if (i === length) return i;
  const last = text.charCodeAt(i);
  bytes[start + i] = last;
  return last < 0x80 ? length : i;
}

/** The length of the text precedes it, but is known last: its size is guessed from the number of characters. */
function writeLong(writer: Writer, p: number, text: string): number {
  const { length } = text;
  writer.reserve(p, length * 3 + 5);
  const { bytes } = writer;
  const guess = sizeOfLength(length);
  const written = writeText(bytes, p + guess, text);
  const size = sizeOfLength(written);
  if (size !== guess) bytes.copyWithin(p + size, p + guess, p + guess + written);
  return writeVarint(bytes, p, written) + written;
}

function sizeOfLength(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5;
}
