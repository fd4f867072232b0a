import { fallBack } from "./fallback.js";
import { MAX_POOLED_BYTES, makeSlab, noBytes } from "./pool.js";
import { MAX_MESSAGE_DEPTH } from "./reader.js";
import { writeText } from "./text.js";
import { double, float, HIGH, halves, LOW, long, unsignedLong } from "./words.js";

const SCRATCH_BYTES = 65536;

/** Up to here, writing the characters of a text one by one is faster than a call into Node, if they are of ASCII. */
const SHORT = 64;

/** Up to here, the length takes one byte, however many the characters take. */
const SHORT_MIXED = 42;

/** What the longest tag takes, and a length and a short text, or the longest number. */
const ROOM = 5 + 1 + SHORT_MIXED * 3;

const MAX_VARINT_BYTES = 10;

/** An object's prototype. It is asked for where the message's shape is known, for which V8 knows the answer. */
export const prototypeOf: (object: object) => unknown = Object.getPrototypeOf;

/**
 * Writes the binary format for generated encoders, and checks all that it is given. It falls back to protobuf-es for
 * values that are not exactly what the schema says, right or wrong: an error is made there.
 *
 * Each method is given the position to write at, and gives the one after: that is faster than to keep it here. A value
 * comes with its tag; 0, which no field has, stands for none, in packed lists.
 */
export class Writer {
  bytes: Uint8Array<ArrayBuffer> = noBytes;
  depth = 0;
  /** Where results begin, and how far it is used; what does not fit is written to other bytes. */
  slab: Uint8Array<ArrayBuffer> = noBytes;
  used = 0;
  /** The slab's: to ask it for this takes as long as to make a result. */
  buffer: ArrayBuffer = noBytes.buffer;

  /** Starts a result; gives its first position. */
  start(): number {
    if (this.slab.length - this.used < MAX_POOLED_BYTES) {
      this.slab = makeSlab();
      this.buffer = this.slab.buffer;
      this.used = 0;
    }
    this.bytes = this.slab;
    this.depth = 0;
    return this.used;
  }

  /** A result's bytes: small ones beside others, in a buffer that can't be transferred. */
  finish(start: number, end: number): Uint8Array<ArrayBuffer> {
    const { bytes } = this;
    const length = end - start;
    if (length === 0) return noBytes;
    if (length > MAX_POOLED_BYTES || bytes !== this.slab) return bytes.slice(start, end);
    this.used = end;
    return new Uint8Array(this.buffer, start, length);
  }

  /** Makes room for more bytes. What has been written keeps its place. */
  reserve(p: number, length: number): void {
    if (p + length > this.bytes.length) grow(this, p, p + length);
  }

  /** A message is an object of no class. */
  begin(prototype: unknown): void {
    if (prototype !== Object.prototype && prototype !== null) fallBack();
  }

  /** It has no other properties than those that were written. */
  end(p: number, others: number): number {
    return others === 0 ? p : fallBack();
  }

  /** Goes into a message that has messages in it. */
  enter(): void {
    if (++this.depth >= MAX_MESSAGE_DEPTH) fallBack();
  }

  leave(): void {
    this.depth--;
  }

  /** The same list, if it is one. */
  list<T>(list: T[]): T[] {
    return Array.isArray(list) ? list : fallBack();
  }

  /** The same object, if it is nothing but an object. */
  plain<T extends object>(object: T): T {
    const prototype = Object.getPrototypeOf(object);
    return prototype === Object.prototype || prototype === null ? object : fallBack();
  }

  /** The entries of a map. */
  entries<V>(map: { [key: string]: V } | { [key: number]: V }): [string, V][] {
    return Object.entries(this.plain(map));
  }

  /** A map's key that is a 64-bit integer, or such a number kept as text. */
  decimal(text: string): bigint {
    const value = BigInt(text);
    return String(value) === text ? value : fallBack();
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

  /** Leaves to protobuf-es what is set and has no generated code. */
  refuse(isSet: boolean): void {
    if (isSet) fallBack();
  }

  /** Zero, but not the negative one. */
  isZero(value: number): boolean {
    return Object.is(value, 0);
  }

  /** Whether there are no bytes. */
  isEmpty(blob: Uint8Array): boolean {
    return blob instanceof Uint8Array ? blob.length === 0 : fallBack();
  }

  /** Leaves room for a number or a short text after it. */
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

  /** Starts what has its length before it; gives what `join` needs, where it starts. */
  fork(p: number, tag: number): number {
    return this.tag(p, tag) + 1;
  }

  /** One byte was left for the length; where it needs more, what was written moves. */
  join(start: number, end: number): number {
    const length = end - start;
    if (length >= 0x80) return moveFor(this, start, end);
    this.bytes[start - 1] = length;
    return end;
  }

  string(p: number, tag: number, text: string): number {
    if (typeof text !== "string") fallBack();
    const { length } = text;
    const start = this.tag(p, tag) + 1;
    if (length > SHORT) return writeLong(this, start - 1, text);
    const { bytes } = this;
    const written = writeAscii(bytes, start, text, length);
    if (written < length) return writeMixed(bytes, start, text, written) || writeLong(this, start - 1, text);
    bytes[start - 1] = length;
    return start + length;
  }

  blob(p: number, tag: number, blob: Uint8Array): number {
    if (!(blob instanceof Uint8Array)) fallBack();
    const at = this.tag(p, tag);
    this.reserve(at, blob.length + 5);
    const start = writeVarint(this.bytes, at, blob.length);
    this.bytes.set(blob, start);
    return start + blob.length;
  }

  /** Bytes that were encoded before. */
  raw(p: number, bytes: Uint8Array): number {
    this.reserve(p, bytes.length);
    this.bytes.set(bytes, p);
    return p + bytes.length;
  }

  bool(p: number, tag: number, value: boolean): number {
    if (typeof value !== "boolean") fallBack();
    const at = this.tag(p, tag);
    this.bytes[at] = value ? 1 : 0;
    return at + 1;
  }

  uint32(p: number, tag: number, value: number): number {
    if (value >>> 0 !== value) fallBack();
    const at = this.tag(p, tag);
    return writeVarint(this.bytes, at, value);
  }

  int32(p: number, tag: number, value: number): number {
    if ((value | 0) !== value) fallBack();
    const at = this.tag(p, tag);
    return value >= 0 ? writeVarint(this.bytes, at, value) : writeVarint64(this.bytes, at, value, -1);
  }

  sint32(p: number, tag: number, value: number): number {
    if ((value | 0) !== value) fallBack();
    const at = this.tag(p, tag);
    return writeVarint(this.bytes, at, ((value << 1) ^ (value >> 31)) >>> 0);
  }

  fixed32(p: number, tag: number, value: number): number {
    if (value >>> 0 !== value) fallBack();
    const at = this.tag(p, tag);
    return writeFixed(this.bytes, at, value);
  }

  sfixed32(p: number, tag: number, value: number): number {
    if ((value | 0) !== value) fallBack();
    const at = this.tag(p, tag);
    return writeFixed(this.bytes, at, value);
  }

  float(p: number, tag: number, value: number): number {
    if (typeof value !== "number") fallBack();
    float[0] = value;
    if (!Number.isFinite(float[0]) && Number.isFinite(value)) fallBack();
    const at = this.tag(p, tag);
    return writeFixed(this.bytes, at, halves[0] as number);
  }

  double(p: number, tag: number, value: number): number {
    if (typeof value !== "number") fallBack();
    double[0] = value;
    const at = this.tag(p, tag);
    return writeFixedHalves(this.bytes, at);
  }

  int64(p: number, tag: number, value: bigint): number {
    setLong(value);
    const at = this.tag(p, tag);
    return writeVarint64(this.bytes, at, halves[LOW] as number, halves[HIGH] as number);
  }

  uint64(p: number, tag: number, value: bigint): number {
    setUnsignedLong(value);
    const at = this.tag(p, tag);
    return writeVarint64(this.bytes, at, halves[LOW] as number, halves[HIGH] as number);
  }

  sint64(p: number, tag: number, value: bigint): number {
    setLong(value);
    const low = halves[LOW] as number;
    const high = halves[HIGH] as number;
    const sign = high >> 31;
    const at = this.tag(p, tag);
    return writeVarint64(this.bytes, at, (low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
  }

  fixed64(p: number, tag: number, value: bigint): number {
    setUnsignedLong(value);
    const at = this.tag(p, tag);
    return writeFixedHalves(this.bytes, at);
  }

  sfixed64(p: number, tag: number, value: bigint): number {
    setLong(value);
    const at = this.tag(p, tag);
    return writeFixedHalves(this.bytes, at);
  }

  /** A packed list, with its length; nothing where it is empty. */
  uint32s(p: number, tag: number, list: number[]): number {
    return writeIntegers(this, p, tag, list, false);
  }

  /** As `uint32s`. */
  int32s(p: number, tag: number, list: number[]): number {
    return writeIntegers(this, p, tag, list, true);
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

/** What is larger than a slab grows here, and is copied from here; it is kept, so that it need not be made each time. */
let scratch: Uint8Array<ArrayBuffer> | undefined;

function grow(writer: Writer, p: number, length: number): void {
  scratch ??= new Uint8Array(SCRATCH_BYTES);
  const bytes = length <= SCRATCH_BYTES ? scratch : new Uint8Array(length * 2);
  bytes.set(writer.bytes.subarray(0, p));
  writer.bytes = bytes;
}

function moveFor(writer: Writer, start: number, end: number): number {
  const length = end - start;
  const more = sizeOfLength(length) - 1;
  writer.reserve(end, more);
  writer.bytes.copyWithin(start + more, start, end);
  writeVarint(writer.bytes, start - 1, length);
  return end + more;
}

/** There is room for all before the first is written. */
function writeIntegers(writer: Writer, p: number, tag: number, list: number[], isSigned: boolean): number {
  const { length } = writer.list(list);
  if (length === 0) return p;
  const start = writer.fork(p, tag);
  writer.reserve(start, length * MAX_VARINT_BYTES);
  const { bytes } = writer;
  let end = start;
  for (let i = 0; i < length; i++) {
    const value = list[i] as number;
    if ((isSigned ? value | 0 : value >>> 0) !== value) fallBack();
    end = value >= 0 ? writeVarint(bytes, end, value) : writeVarint64(bytes, end, value, -1);
  }
  return writer.join(start, end);
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

/** Gives up before the first two of which one is not of ASCII; gives how many it has written. */
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

/** Writes what follows on what is of ASCII; 0 where the text is too long, or has a character beyond 16 bits. */
function writeMixed(bytes: Uint8Array, start: number, text: string, from: number): number {
  if (text.length > SHORT_MIXED) return 0;
  let at = start + from;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) bytes[at++] = code;
    else if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
      bytes[at++] = 0x80 | (code & 0x3f);
    } else if (code < 0xd800 || code > 0xdfff) {
      bytes[at++] = 0xe0 | (code >> 12);
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[at++] = 0x80 | (code & 0x3f);
    } else return 0;
  }
  bytes[start - 1] = at - start;
  return at;
}

/** The length comes first and is known last: it is taken to be that of as many bytes as characters. */
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
