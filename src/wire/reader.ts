import { markAsUntransferable } from "node:worker_threads";
import { fallBack } from "./fallback.js";
import { isScattered, makeSparse } from "./sparse.js";
import { readName, readText } from "./text.js";
import { double, float, HIGH, halves, LOW, long, unsignedLong } from "./words.js";

/** How deep messages nest before protobuf-es refuses them. */
export const MAX_MESSAGE_DEPTH = 100;

/**
 * No bytes; protobuf-es, too, has one such array for all messages of a type. Transferring it to another
 * thread would detach it everywhere, and a detached array can't even be copied.
 */
export const noBytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
markAsUntransferable(noBytes.buffer);

/**
 * Reads the binary format for generated decoders: the usual encodings, fast. It falls back to protobuf-es for anything else,
 * such as tags that are longer than necessary.
 *
 * Numbers are not checked against the end of the bytes: past it, `undefined` is read as 0, and then `end` falls back.
 */
export class Reader {
  /** The bytes that are read. */
  bytes: Uint8Array = noBytes;
  /** The position of the next byte. */
  pos = 0;
  /** How deep the message at this position is nested, from 0. */
  depth = 0;

  /** Starts reading these bytes at a position. */
  start(bytes: Uint8Array, pos: number): void {
    this.bytes = bytes;
    this.pos = pos;
    this.depth = 0;
  }

  /** Releases the bytes. */
  stop(): void {
    this.bytes = noBytes;
  }

  /** Begins a nested message. */
  enter(): void {
    if (++this.depth >= MAX_MESSAGE_DEPTH) fallBack();
  }

  /** Ends a nested message. Falls back unless the position is `end`. */
  leave(end: number): void {
    this.depth--;
    this.end(end);
  }

  /** Falls back unless the position is `end`. */
  end(end: number): void {
    if (this.pos !== end) fallBack();
  }

  /** Leaves the whole message to protobuf-es. Codecs call this method, since an imported function may belong to another copy. */
  fallBack(): never {
    fallBack();
  }

  /** Reads a tag: the number of the field times eight, plus its wire type. */
  tag(): number {
    const byte = this.bytes[this.pos++] as number;
    return byte < 0x80 ? byte : longTag(this, byte);
  }

  /** Reads a tag. Falls back unless it is this one. */
  expect(tag: number): void {
    if (this.tag() !== tag) fallBack();
  }

  /** Reads a length; returns the position where the value ends. Falls back if that is after `end`. */
  limit(end: number): number {
    const length = this.uint32();
    const limit = this.pos + length;
    return limit <= end ? limit : fallBack();
  }

  /** Whether more values follow before `limit`. Falls back if the position is after it. */
  isBefore(limit: number): boolean {
    return this.pos < limit || (this.pos === limit ? false : fallBack());
  }

  /** The text of a 64-bit integer (jstype). */
  text(value: bigint): string {
    return String(value);
  }

  /** Reads a value of type `string`. */
  string(end: number): string {
    const limit = this.limit(end);
    const start = this.pos;
    this.pos = limit;
    return readText(this.bytes, start, limit);
  }

  /** Reads a value of type `string` that was probably read before. */
  name(end: number): string {
    const limit = this.limit(end);
    const start = this.pos;
    this.pos = limit;
    return readName(this.bytes, start, limit);
  }

  /** Reads a value of type `bytes`: a copy, which later writes to the input do not change. */
  blob(end: number): Uint8Array<ArrayBuffer> {
    const part = this.part(end);
    return part.length === 0 ? noBytes : new Uint8Array(part);
  }

  /** Reads a value of type `bytes`: a view of the input, valid only until its owner writes to it. */
  part(end: number): Uint8Array {
    const limit = this.limit(end);
    const { bytes, pos } = this;
    if (limit === pos) return noBytes;
    this.pos = limit;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + pos, limit - pos);
  }

  /** Reads a value of type `bool`. */
  bool(): boolean {
    const byte = this.bytes[this.pos++] as number;
    return byte < 0x80 ? byte !== 0 : fallBack();
  }

  /** Reads a value of type `uint32`. */
  uint32(): number {
    const byte = this.bytes[this.pos++] as number;
    return byte < 0x80 ? byte : longUint32(this, byte);
  }

  /** Reads a value of type `int32`. */
  int32(): number {
    return this.uint32() | 0;
  }

  /** Reads an enum's number, known or not. */
  enum<T extends number>(): T {
    return (this.uint32() | 0) as T;
  }

  /** Reads a value of type `sint32`. */
  sint32(): number {
    const zigzag = this.uint32();
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  /** Reads a value of type `fixed32`. */
  fixed32(): number {
    return this.sfixed32() >>> 0;
  }

  /** Reads a value of type `sfixed32`. */
  sfixed32(): number {
    const { bytes, pos } = this;
    this.pos = pos + 4;
    return (
      (bytes[pos] as number) |
      ((bytes[pos + 1] as number) << 8) |
      ((bytes[pos + 2] as number) << 16) |
      ((bytes[pos + 3] as number) << 24)
    );
  }

  /** Reads a value of type `float`. */
  float(): number {
    halves[0] = this.sfixed32();
    const value = float[0] as number;
    if (Number.isNaN(value) && halves[0] !== FLOAT_NAN) fallBack();
    return value;
  }

  /** Reads a value of type `double`. */
  double(): number {
    readFixedHalves(this);
    const value = double[0] as number;
    if (Number.isNaN(value) && (halves[HIGH] !== DOUBLE_NAN || halves[LOW] !== 0)) fallBack();
    return value;
  }

  /** Reads a value of type `fixed64`. */
  fixed64(): bigint {
    readFixedHalves(this);
    return unsignedLong[0] as bigint;
  }

  /** Reads a value of type `sfixed64`. */
  sfixed64(): bigint {
    readFixedHalves(this);
    return long[0] as bigint;
  }

  /** Reads a value of type `int64`. */
  int64(): bigint {
    readVarintHalves(this);
    return long[0] as bigint;
  }

  /** Reads a value of type `uint64`. */
  uint64(): bigint {
    readVarintHalves(this);
    return unsignedLong[0] as bigint;
  }

  /** Reads a value of type `sint64`. */
  sint64(): bigint {
    readVarintHalves(this);
    const low = halves[LOW] as number;
    const high = halves[HIGH] as number;
    const sign = -(low & 1);
    halves[LOW] = ((low >>> 1) | (high << 31)) ^ sign;
    halves[HIGH] = (high >>> 1) ^ sign;
    return long[0] as bigint;
  }

  /** Adds an entry to a map; `__proto__` is a key like any other. */
  set(map: object, key: string | number | bigint | boolean, value: unknown): void {
    if (key === "__proto__")
      Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
    else {
      if (isScattered(map, key)) makeSparse(map);
      (map as Record<string, unknown>)[key as string] = value;
    }
  }

  /** The next entry of a map from strings to strings. */
  stringEntry(map: Record<string, string>, end: number): void {
    const limit = this.limit(end);
    this.expect(10);
    const key = this.name(limit);
    this.expect(18);
    const value = this.string(limit);
    this.end(limit);
    this.set(map, key, value);
  }
}

/**
 * The bits of JavaScript's NaN: all of a float, and the upper half of a double. Engines may change the bits of other NaNs in
 * arrays of numbers.
 */
const FLOAT_NAN = 0x7fc0_0000;
const DOUBLE_NAN = 0x7ff8_0000;

/** Falls back for tags that are longer than necessary. */
function longTag(reader: Reader, first: number): number {
  let tag = first & 0x7f;
  for (let shift = 7; shift < 35; shift += 7) {
    const byte = reader.bytes[reader.pos++] as number;
    tag |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    return byte === 0 || (shift === 28 && byte > 0x0f) ? fallBack() : tag >>> 0;
  }
  return fallBack();
}

/** Negative 32-bit numbers have ten bytes, like 64-bit ones. */
function longUint32(reader: Reader, first: number): number {
  const { bytes } = reader;
  let { pos } = reader;
  let value = first & 0x7f;
  let byte = first;
  for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
    byte = bytes[pos++] as number;
    value |= (byte & 0x7f) << shift;
  }
  for (let more = 5; byte >= 0x80 && more > 0; more--) byte = bytes[pos++] as number;
  reader.pos = pos;
  return byte < 0x80 ? value >>> 0 : fallBack();
}

function readFixedHalves(reader: Reader): void {
  halves[LOW] = reader.sfixed32();
  halves[HIGH] = reader.sfixed32();
}

/** Seven bits per byte: four and a half bytes for the lower half, then the upper one. */
function readVarintHalves(reader: Reader): void {
  const { bytes } = reader;
  let { pos } = reader;
  let low = 0;
  let high = 0;
  let byte = 0x80;
  for (let shift = 0; shift < 28 && byte >= 0x80; shift += 7) {
    byte = bytes[pos++] as number;
    low |= (byte & 0x7f) << shift;
  }
  if (byte >= 0x80) {
    byte = bytes[pos++] as number;
    low |= (byte & 0x7f) << 28;
    high = (byte & 0x7f) >> 4;
  }
  for (let shift = 3; shift < 35 && byte >= 0x80; shift += 7) {
    byte = bytes[pos++] as number;
    high |= (byte & 0x7f) << shift;
  }
  if (byte >= 0x80) fallBack();
  reader.pos = pos;
  halves[LOW] = low;
  halves[HIGH] = high;
}
