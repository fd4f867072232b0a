import type { Message } from "@bufbuild/protobuf";
import { copyOf, keep, noBytes } from "./byte-copies.js";
import { fallBack, refuse } from "./fallback.js";
import { isScattered, makeSparse } from "./sparse.js";
import { readName, readText } from "./text.js";
import { double, float, HIGH, halves, LOW, long, unsignedLong } from "./words.js";

/** How deep messages nest; protobuf-es refuses deeper ones. */
export const MAX_MESSAGE_DEPTH = 100;

/** A message such as google.protobuf.Int32Value. */
export interface Wrapper {
  /** What it wraps. */
  value: unknown;
}

/**
 * Reads the binary format for generated decoders, as protobuf-es does: also what hardly anybody writes, such as tags that are
 * longer than necessary, since reading large messages a second time would take too much memory. It refuses what protobuf-es
 * refuses.
 *
 * Numbers are not checked against the end of the bytes: what is after it is read, or `undefined` as 0, and `finish` refuses.
 */
export class Reader {
  /** The bytes that are read. */
  bytes: Uint8Array = noBytes;
  /** The position of the next byte. */
  pos = 0;
  /** The end of what may be read. */
  last = 0;
  /** How deep the message at this position is nested, from 1. */
  depth = 0;
  /** The tag that was read last: the number of the field times eight, plus its wire type. */
  tag = 0;

  /** Starts reading these bytes. */
  start(bytes: Uint8Array, first: number, last: number): void {
    this.bytes = bytes;
    this.pos = first;
    this.last = last;
    this.depth = 0;
  }

  /** Refuses unless all has been read. */
  finish(): void {
    if (this.pos !== this.last) refuse();
  }

  /** Reads the part up to `end` by itself; returns what `widen` needs. */
  narrow(end: number): number {
    const { last } = this;
    this.last = end;
    return last;
  }

  /** Goes on after such a part. Refuses unless it has been read to its end. */
  widen(last: number): void {
    this.finish();
    this.last = last;
  }

  /** Releases the bytes. */
  stop(): void {
    this.bytes = noBytes;
  }

  /** Begins a message. */
  enter(): void {
    if (++this.depth > MAX_MESSAGE_DEPTH) refuse();
  }

  /** Ends a message. As in protobuf-es, its last field may end later than the message itself. */
  leave(): void {
    this.depth--;
  }

  /** Leaves the whole message to protobuf-es. Codecs call this method, since an imported function may belong to another copy. */
  fallBack(): never {
    fallBack();
  }

  /** Reads a tag; returns the number of the field. */
  field(): number {
    const byte = this.bytes[this.pos++] as number;
    const tag = byte < 0x80 ? byte : longTag(this, byte);
    if ((tag & 6) === 6) refuse();
    this.tag = tag;
    return tag >>> 3;
  }

  /** Reads a length; returns the position where the value ends. */
  limit(): number {
    const length = this.uint32();
    const limit = this.pos + length;
    return limit <= this.last ? limit : refuse();
  }

  /** The end of the numbers in this field: of all of them if they are packed, else of one, which has a byte at least. */
  numbers(): number {
    return (this.tag & 7) === LENGTH_DELIMITED ? this.limit() : this.pos + 1;
  }

  /** Moves past the value of this field. */
  skip(): void {
    skip(this, this.tag, MAX_MESSAGE_DEPTH - this.depth);
  }

  /** Keeps a field that the message's type does not have. */
  unknown(message: Message): void {
    const { tag, pos } = this;
    this.skip();
    const field: UnknownField = { no: tag >>> 3, wireType: tag & 7, data: keep(this.bytes, pos, this.pos) };
    if (message.$unknown) message.$unknown.push(field);
    else message.$unknown = [field];
  }

  /** Puts the value that protobuf-es keeps in place of a wrapper back into one. */
  wrap<M extends Wrapper>(message: M, value: M["value"] | undefined): M {
    if (value !== undefined) message.value = value;
    return message;
  }

  /** The text of a 64-bit integer (jstype). */
  text(value: bigint): string {
    return String(value);
  }

  /** Reads a value of type `string`. */
  string(): string {
    const limit = this.limit();
    const start = this.pos;
    this.pos = limit;
    return readText(this.bytes, start, limit);
  }

  /** Reads a value of type `string` that was probably read before. */
  name(): string {
    const limit = this.limit();
    const start = this.pos;
    this.pos = limit;
    return readName(this.bytes, start, limit);
  }

  /** Reads a value of type `bytes`: a copy, which later writes to the input do not change. */
  blob(): Uint8Array<ArrayBuffer> {
    const limit = this.limit();
    const start = this.pos;
    this.pos = limit;
    return copyOf(this.bytes, start, limit);
  }

  /** Reads a value of type `bool`. */
  bool(): boolean {
    const byte = this.bytes[this.pos++] as number;
    return byte < 0x80 ? byte !== 0 : longBool(this);
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
    readZigzagHalves(this);
    return long[0] as bigint;
  }

  /** The same as a number, if that is exact: it takes less memory and time. */
  exactSint64(): number | bigint {
    readZigzagHalves(this);
    const value = (halves[HIGH] as number) * 2 ** 32 + ((halves[LOW] as number) >>> 0);
    return Number.isSafeInteger(value) ? value : (long[0] as bigint);
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
  stringEntry(map: Record<string, string>): void {
    let key = "";
    let value = "";
    for (const end = this.limit(); this.pos < end; )
      switch (this.field()) {
        case 1:
          key = this.name();
          break;
        case 2:
          value = this.string();
          break;
        default:
          this.skip();
      }
    this.set(map, key, value);
  }
}

/**
 * The bits of JavaScript's NaN: all of a float, and the upper half of a double. Engines may change the bits of other NaNs in
 * arrays of numbers.
 */
const FLOAT_NAN = 0x7fc0_0000;
const DOUBLE_NAN = 0x7ff8_0000;

const LENGTH_DELIMITED = 2;
const START_GROUP = 3;
const END_GROUP = 4;

type UnknownField = NonNullable<Message["$unknown"]>[number];

function longTag(reader: Reader, first: number): number {
  let tag = first & 0x7f;
  for (let shift = 7; shift < 35; shift += 7) {
    const byte = reader.bytes[reader.pos++] as number;
    tag |= (byte & 0x7f) << shift;
    if (byte < 0x80) return shift === 28 && byte > 0x0f ? refuse() : tag >>> 0;
  }
  return refuse();
}

/** `groups` is how many more may be in one another. */
function skip(reader: Reader, tag: number, groups: number): void {
  const number = tag >>> 3;
  if (number === 0) refuse();
  switch (tag & 7) {
    case 0:
      while ((reader.bytes[reader.pos++] as number) >= 0x80);
      break;
    case 1:
      reader.pos += 8;
      break;
    case LENGTH_DELIMITED:
      reader.pos = reader.limit();
      break;
    case START_GROUP:
      skipGroup(reader, number, groups);
      break;
    case END_GROUP:
      refuse();
      break;
    default:
      reader.pos += 4;
  }
  if (reader.pos > reader.last) refuse();
}

function skipGroup(reader: Reader, number: number, groups: number): void {
  if (groups <= 0) refuse();
  for (;;) {
    const inner = reader.field();
    if ((reader.tag & 7) !== END_GROUP) skip(reader, reader.tag, groups - 1);
    else if (inner === number) return;
    else refuse();
  }
}

/** A boolean may be any number. */
function longBool(reader: Reader): boolean {
  reader.pos--;
  readVarintHalves(reader);
  return (halves[LOW] as number) !== 0 || (halves[HIGH] as number) !== 0;
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
  return byte < 0x80 ? value >>> 0 : refuse();
}

function readFixedHalves(reader: Reader): void {
  halves[LOW] = reader.sfixed32();
  halves[HIGH] = reader.sfixed32();
}

function readZigzagHalves(reader: Reader): void {
  readVarintHalves(reader);
  const low = halves[LOW] as number;
  const high = halves[HIGH] as number;
  const sign = -(low & 1);
  halves[LOW] = ((low >>> 1) | (high << 31)) ^ sign;
  halves[HIGH] = (high >>> 1) ^ sign;
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
  if (!(byte < 0x80)) refuse();
  reader.pos = pos;
  halves[LOW] = low;
  halves[HIGH] = high;
}
