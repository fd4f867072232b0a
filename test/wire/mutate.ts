import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Random } from "../../src/testing/random.js";

/** Bytes as a broken or a hostile writer makes them of good ones; and as an unusual one does, which are good, too. */
export function mutate(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let mutated = bytes;
  for (let times = 1 + random.below(3); times > 0; times--) mutated = random.pick(mutations)(mutated, others, random);
  return new Uint8Array(mutated); // no Buffer, whose parts would be Buffers
}

type Mutation = (bytes: Uint8Array, others: readonly Uint8Array[], random: Random) => Uint8Array;

const mutations: readonly Mutation[] = [
  flipBit,
  setByte,
  truncate,
  remove,
  repeat,
  insertPart,
  mergeWithOther,
  shuffleFields,
  swapTag,
  moveInto,
];

function flipBit(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  const copy = bytes.slice();
  const at = random.below(bytes.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}

function setByte(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  const copy = bytes.slice();
  copy[random.below(bytes.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
  return copy;
}

function truncate(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  return bytes.subarray(0, random.below(bytes.length + 1));
}

function remove(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  const start = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random.below(4))]);
}

function repeat(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  const start = random.below(bytes.length + 1);
  const end = start + random.below(bytes.length - start + 1);
  return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
}

/** What no ordinary writer writes, by itself or as a part of something. */
const parts: readonly (readonly number[])[] = [
  [0x8a, 0x00, 1, 65], // a tag that is longer than need be
  [0x0a, 0x81, 0x00, 65], // a length that is
  [0x18, 0x81, 0x80, 0x00], // a number that is
  [0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], // eleven bytes
  [0x68, 0x80, 0x80, 0x01], // a boolean of several bytes
  [0xff, 0xff, 0xff, 0xff, 0x7f], // a tag past 32 bits
  [0x0a, 0xff, 0xff, 0xff, 0xff, 0x07], // a length of two gigabytes
  [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x7a, 0xff, 0xff, 0xff, 0xff, 0x07],
  [0xfa, 0xff, 0xff, 0xff, 0x1f, 1, 65],
  [0x72, 2, 0xc3, 0x28], // no UTF-8
  [0x72, 3, 0xed, 0xa0, 0x80], // a surrogate
  [0x72, 3, 0xef, 0xbf, 0xbd], // the replacement character itself
  [0x72, 3, 0xef, 0xbb, 0xbf], // a byte order mark
  [0x72, 4, 0xf0, 0x9f, 0x98, 0x80], // a character beyond 16 bits
  [0xa3, 0x01, 0x08, 0x01, 0xa4, 0x01], // a group
  [0xa3, 0x01, 0xa3, 0x01, 0xa4, 0x01], // one that does not end
  [0x0c], // the end of a group that did not begin
  [0x0f, 0x06, 0x07], // wire types that there are not
  [0x00, 0x01], // a field without a number
  [0x0a, 0x0b, 0x0a, 9, ...Buffer.from("__proto__"), 0x12, 0], // entries of maps
  [0x0a, 0x06, 0x0a, 1, 65, 0x12, 1, 66],
  [0x0a, 0x06, 0x12, 1, 66, 0x0a, 1, 65],
  [0x0a, 0x00],
  [0x0a, 0x05, 0x0a, 1, 65, 0x18, 5],
  [0x8a, 0x01, 0x00], // an empty message
  [0x92, 0x01, 0x02, 0x92, 0x01], // one that runs past its end
];

function insertPart(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  const at = random.pick([0, bytes.length, random.below(bytes.length + 1)]);
  return Buffer.concat([bytes.subarray(0, at), Uint8Array.from(random.pick(parts)), bytes.subarray(at)]);
}

/** Messages one after the other are merged: fields come twice, and messages inside them. */
function mergeWithOther(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  return Buffer.concat([bytes, random.pick(others)]);
}

function shuffleFields(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  const fields = fieldsOf(bytes);
  for (let i = fields.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [fields[i], fields[j]] = [fields[j] as Uint8Array, fields[i] as Uint8Array];
  }
  return Buffer.concat(fields);
}

/** The same value as another field, or of another wire type: also the one where values are packed, or are not. */
function swapTag(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  const fields = fieldsOf(bytes);
  if (fields.length === 0) return bytes;
  const at = random.below(fields.length);
  const reader = new BinaryReader(fields[at] as Uint8Array);
  const [no, wireType] = reader.tag();
  const value = (fields[at] as Uint8Array).subarray(reader.pos);
  const other: [number, WireType] =
    random.below(2) === 0 ? [no, random.pick([0, 1, 2, 3, 4, 5])] : [1 + random.below(60), wireType];
  fields[at] = new BinaryWriter()
    .tag(...other)
    .raw(value)
    .finish();
  return Buffer.concat(fields);
}

/** The whole as a message inside of itself, at some field. */
function moveInto(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  const no = random.pick([17, 18, 58, 5, 1 + random.below(30)]);
  return new BinaryWriter().tag(no, WireType.LengthDelimited).bytes(bytes).finish();
}

/** The fields of a message, each with its tag; none where there is something else. */
function fieldsOf(bytes: Uint8Array): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const fields: Uint8Array[] = [];
  try {
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [no, wireType] = reader.tag();
      reader.skip(wireType, no);
      fields.push(bytes.subarray(start, reader.pos));
    }
  } catch {
    return [];
  }
  return fields;
}
