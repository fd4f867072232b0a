import { fallBack } from "./fallback.js";
import { MAX_POOLED_BYTES, makeSlab, noBytes } from "./pool.js";
import { MAX_MESSAGE_DEPTH } from "./reader.js";
import { writeText } from "./text.js";
import { double, float, HIGH, halves, LOW, long, unsignedLong } from "./words.js";

const SCRATCH_BYTES = 65536;

/**
 * Up to here, writing the characters of a text one by one is faster than a call into Node; and the length takes one byte,
 * however many the characters take.
 */
const SHORT = 40;

/** An object's prototype. It is asked for where the message's shape is known, for which V8 knows the answer. */
export const prototypeOf: (object: object) => unknown = Object.getPrototypeOf;

/** The longest that a number can be. */
const MAX_VARINT_BYTES = 10;

/**
 * Writes the binary format for generated encoders, and checks all that it is given. It falls back to protobuf-es for
 * values that are not exactly what the schema says, right or wrong: an error is made there.
 */
export class Writer {
  bytes: Uint8Array<ArrayBuffer> = noBytes;
  pos = 0;
  depth = 0;
  /** Where results begin; what does not fit is written to other bytes. */
  slab: Uint8Array<ArrayBuffer> = noBytes;

  /** Starts a result; gives what `finish` needs. */
  start(): number {
    if (this.slab.length - this.pos < MAX_POOLED_BYTES) {
      this.slab = makeSlab();
      this.pos = 0;
    }
    this.bytes = this.slab;
    this.depth = 0;
    return this.pos;
  }

  /** The bytes since the start: small ones beside others, in a buffer that can't be transferred. */
  finish(start: number): Uint8Array<ArrayBuffer> {
    const { bytes, pos } = this;
    if (bytes === this.slab && pos - start <= MAX_POOLED_BYTES) return new Uint8Array(bytes.buffer, start, pos - start);
    this.cancel(start);
    return bytes.slice(start, pos);
  }

  /** Gives the room back. */
  cancel(start: number): void {
    this.pos = start;
    this.bytes = this.slab;
  }

  /** Makes room for more bytes. What has been written keeps its place. */
  reserve(length: number): void {
    if (this.pos + length > this.bytes.length) grow(this, this.pos + length);
  }

  /** A message has no other properties than those that were written, and is an object of no class. */
  end(prototype: unknown, others: number): void {
    if (others !== 0 || (prototype !== Object.prototype && prototype !== null)) fallBack();
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

  tag(tag: number): this {
    this.reserve(MAX_VARINT_BYTES);
    if (tag < 0x80) this.bytes[this.pos++] = tag;
    else writeVarint(this, tag);
    return this;
  }

  /** Starts what has its length before it; gives what `join` needs. */
  fork(tag: number): number {
    this.tag(tag);
    return ++this.pos;
  }

  /** One byte was left for the length; where it needs more, what was written moves. */
  join(start: number): void {
    const length = this.pos - start;
    if (length < 0x80) {
      this.bytes[start - 1] = length;
      return;
    }
    const more = sizeOfLength(length) - 1;
    this.reserve(more);
    this.bytes.copyWithin(start + more, start, this.pos);
    this.pos = start - 1;
    writeVarint(this, length);
    this.pos += length;
  }

  /** A message inside of another. */
  child<M>(tag: number, write: (writer: Writer, message: M) => void, message: M): void {
    const start = this.fork(tag);
    write(this, message);
    this.join(start);
  }

  string(text: string): void {
    if (typeof text !== "string") fallBack();
    const { length } = text;
    this.reserve(length * 3 + 5);
    if (length > SHORT || !writeShort(this, text, length)) writeLong(this, text, length);
  }

  blob(blob: Uint8Array): void {
    if (!(blob instanceof Uint8Array)) fallBack();
    this.reserve(blob.length + 5);
    writeVarint(this, blob.length);
    this.bytes.set(blob, this.pos);
    this.pos += blob.length;
  }

  /** Bytes that were encoded before. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.pos);
    this.pos += bytes.length;
  }

  bool(value: boolean): void {
    if (typeof value !== "boolean") fallBack();
    this.reserve(1);
    this.bytes[this.pos++] = value ? 1 : 0;
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) fallBack();
    this.reserve(MAX_VARINT_BYTES);
    writeVarint(this, value);
  }

  int32(value: number): void {
    if ((value | 0) !== value) fallBack();
    this.reserve(MAX_VARINT_BYTES);
    if (value >= 0) writeVarint(this, value);
    else writeVarint64(this, value, -1);
  }

  sint32(value: number): void {
    if ((value | 0) !== value) fallBack();
    this.reserve(MAX_VARINT_BYTES);
    writeVarint(this, ((value << 1) ^ (value >> 31)) >>> 0);
  }

  fixed32(value: number): void {
    if (value >>> 0 !== value) fallBack();
    this.reserve(4);
    writeFixed(this, value);
  }

  sfixed32(value: number): void {
    if ((value | 0) !== value) fallBack();
    this.reserve(4);
    writeFixed(this, value);
  }

  float(value: number): void {
    if (typeof value !== "number") fallBack();
    float[0] = value;
    if (!Number.isFinite(float[0]) && Number.isFinite(value)) fallBack();
    this.reserve(4);
    writeFixed(this, halves[0] as number);
  }

  double(value: number): void {
    if (typeof value !== "number") fallBack();
    double[0] = value;
    writeFixed64(this);
  }

  int64(value: bigint): void {
    setLong(value);
    this.reserve(MAX_VARINT_BYTES);
    writeVarint64(this, halves[LOW] as number, halves[HIGH] as number);
  }

  uint64(value: bigint): void {
    setUnsignedLong(value);
    this.reserve(MAX_VARINT_BYTES);
    writeVarint64(this, halves[LOW] as number, halves[HIGH] as number);
  }

  sint64(value: bigint): void {
    setLong(value);
    const low = halves[LOW] as number;
    const high = halves[HIGH] as number;
    const sign = high >> 31;
    this.reserve(MAX_VARINT_BYTES);
    writeVarint64(this, (low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
  }

  fixed64(value: bigint): void {
    setUnsignedLong(value);
    writeFixed64(this);
  }

  sfixed64(value: bigint): void {
    setLong(value);
    writeFixed64(this);
  }

  /** A map from strings to strings, in the order of its object's keys. */
  stringMap(tag: number, map: Record<string, string>): void {
    for (const key of Object.keys(this.plain(map))) {
      const entry = this.fork(tag);
      this.tag(10).string(key);
      this.tag(18).string(map[key] as string);
      this.join(entry);
    }
  }
}

/** What is larger than a slab grows here, and is copied from here; it is kept, so that it need not be made each time. */
let scratch: Uint8Array<ArrayBuffer> | undefined;

function grow(writer: Writer, length: number): void {
  scratch ??= new Uint8Array(SCRATCH_BYTES);
  const bytes = length <= SCRATCH_BYTES ? scratch : new Uint8Array(length * 2);
  bytes.set(writer.bytes.subarray(0, writer.pos));
  writer.bytes = bytes;
}

function writeVarint(writer: Writer, value: number): void {
  const { bytes } = writer;
  let { pos } = writer;
  let rest = value;
  while (rest > 0x7f) {
    bytes[pos++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[pos++] = rest;
  writer.pos = pos;
}

function writeVarint64(writer: Writer, low: number, high: number): void {
  const { bytes } = writer;
  let { pos } = writer;
  let lower = low >>> 0;
  let upper = high >>> 0;
  while (upper !== 0) {
    bytes[pos++] = (lower & 0x7f) | 0x80;
    lower = ((lower >>> 7) | (upper << 25)) >>> 0;
    upper >>>= 7;
  }
  writer.pos = pos;
  writeVarint(writer, lower);
}

function writeFixed(writer: Writer, value: number): void {
  const { bytes, pos } = writer;
  bytes[pos] = value;
  bytes[pos + 1] = value >>> 8;
  bytes[pos + 2] = value >>> 16;
  bytes[pos + 3] = value >>> 24;
  writer.pos = pos + 4;
}

function writeFixed64(writer: Writer): void {
  writer.reserve(8);
  writeFixed(writer, halves[LOW] as number);
  writeFixed(writer, halves[HIGH] as number);
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

/** Gives up where a character is beyond 16 bits. */
function writeShort(writer: Writer, text: string, length: number): boolean {
  const { bytes } = writer;
  const start = writer.pos + 1;
  let pos = start;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) bytes[pos++] = code;
    else if (code < 0x800) {
      bytes[pos++] = 0xc0 | (code >> 6);
      bytes[pos++] = 0x80 | (code & 0x3f);
    } else if (code < 0xd800 || code > 0xdfff) {
      bytes[pos++] = 0xe0 | (code >> 12);
      bytes[pos++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[pos++] = 0x80 | (code & 0x3f);
    } else return false;
  }
  bytes[start - 1] = pos - start;
  writer.pos = pos;
  return true;
}

/** The length comes first and is known last: it is taken to be that of as many bytes as characters. */
function writeLong(writer: Writer, text: string, length: number): void {
  const { bytes, pos } = writer;
  const guess = sizeOfLength(length);
  const written = writeText(bytes, pos + guess, text);
  const size = sizeOfLength(written);
  if (size !== guess) bytes.copyWithin(pos + size, pos + guess, pos + guess + written);
  writeVarint(writer, written);
  writer.pos += written;
}

function sizeOfLength(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5;
}
