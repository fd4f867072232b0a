import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { MAX_DEPTH } from "./data-check.js";

/**
 * Throws what protobuf-es would throw for bytes that it can't read as a message of this type. It makes nothing of the bytes, so
 * that a large message which is wrong at its end takes little memory.
 */
export function checkWire(desc: DescMessage, bytes: Uint8Array): void {
  checkMessage(desc, new CheckingReader(bytes), 1, bytes.length);
}

const nothing = new Uint8Array();

/** Skips fields as protobuf-es does, but makes no view of each, and no array for each tag in a group. */
class CheckingReader extends BinaryReader {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super(bytes as Uint8Array<ArrayBuffer>);
    this.#bytes = bytes;
  }

  override skip(wireType: WireType, number: number, groups: number): Uint8Array<ArrayBuffer> {
    if (wireType === WireType.Varint) while ((this.#bytes[this.pos++] as number) >= 0x80);
    else if (wireType === WireType.LengthDelimited) this.pos = this.uint32() + this.pos;
    else if (wireType === WireType.StartGroup) this.#skipGroup(number, groups);
    else super.skip(wireType);
    if (this.pos > this.len) throw new RangeError("premature EOF");
    return nothing;
  }

  #skipGroup(number: number, groups: number): void {
    if (groups <= 0) throw new Error("maximum recursion depth reached");
    for (let tag = readTag(this); (tag & 7) !== WireType.EndGroup || tag >>> 3 !== number; tag = readTag(this)) {
      if ((tag & 7) === WireType.EndGroup) throw new Error("invalid end group tag");
      this.skip(tag & 7, tag >>> 3, groups - 1);
    }
  }
}

function checkMessage(desc: DescMessage, reader: BinaryReader, depth: number, length: number): void {
  checkDepth(desc, depth);
  const end = reader.pos + length;
  const fields = fieldsOf(desc);
  while (reader.pos < end) {
    const tag = readTag(reader);
    checkField(fields.get(tag >>> 3), reader, tag >>> 3, tag & 7, depth);
  }
}

function checkGroup(desc: DescMessage, reader: BinaryReader, depth: number, groupNumber: number): void {
  checkDepth(desc, depth);
  const fields = fieldsOf(desc);
  while (reader.pos < reader.len) {
    const tag = readTag(reader);
    const number = tag >>> 3;
    const wireType: WireType = tag & 7;
    if (wireType !== WireType.EndGroup) checkField(fields.get(number), reader, number, wireType, depth);
    else if (number === groupNumber) return;
    else break;
  }
  throw new Error("invalid end group tag");
}

/** The method of protobuf-es makes an array, which takes more than most fields. */
function readTag(reader: BinaryReader): number {
  const start = reader.pos;
  const tag = reader.uint32();
  if (reader.pos - start < 5 && tag >= 8 && (tag & 7) <= WireType.Bit32) return tag;
  reader.pos = start;
  const [number, wireType] = reader.tag();
  return ((number << 3) | wireType) >>> 0;
}

function checkDepth(desc: DescMessage, depth: number): void {
  if (depth > MAX_DEPTH)
    throw new Error(`cannot decode ${desc} from binary: maximum recursion depth of ${MAX_DEPTH} reached`);
}

const byNumber = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsOf(desc: DescMessage): ReadonlyMap<number, DescField> {
  let fields = byNumber.get(desc);
  if (fields === undefined) {
    fields = new Map(desc.fields.map((field) => [field.number, field]));
    byNumber.set(desc, fields);
  }
  return fields;
}

function checkField(
  field: DescField | undefined,
  reader: BinaryReader,
  number: number,
  wireType: WireType,
  depth: number,
): void {
  if (field === undefined) reader.skip(wireType, number, MAX_DEPTH - depth);
  else if (field.fieldKind === "map") checkEntry(field, reader, depth);
  else if (field.message === undefined) checkScalars(field, reader, wireType);
  else if (field.delimitedEncoding) checkGroup(field.message, reader, depth + 1, number);
  else checkMessage(field.message, reader, depth + 1, reader.uint32());
}

/** One, or several that are packed. */
function checkScalars(field: DescField, reader: BinaryReader, wireType: WireType): void {
  const type = field.scalar ?? ScalarType.INT32;
  const isText = type === ScalarType.STRING || type === ScalarType.BYTES;
  const isPacked = field.fieldKind === "list" && wireType === WireType.LengthDelimited && !isText;
  if (isPacked) for (const end = reader.uint32() + reader.pos; reader.pos < end; ) readScalar(type, reader, false);
  else readScalar(type, reader, field.utf8Validation);
}

function checkEntry(field: DescField & { fieldKind: "map" }, reader: BinaryReader, depth: number): void {
  const length = reader.uint32();
  const end = reader.pos + length;
  while (reader.pos < end) {
    const tag = readTag(reader);
    const number = tag >>> 3;
    if (number === 1) readScalar(field.mapKey, reader, field.utf8Validation);
    else if (number !== 2) reader.skip(tag & 7, number, MAX_DEPTH - depth);
    else if (field.message) checkMessage(field.message, reader, depth + 1, reader.uint32());
    else readScalar(field.scalar ?? ScalarType.INT32, reader, field.utf8Validation);
  }
}

function readScalar(type: ScalarType, reader: BinaryReader, isStrict: boolean): void {
  if (type === ScalarType.STRING) reader.string(isStrict);
  else reader[readers[type]]();
}

const readers = {
  [ScalarType.BYTES]: "bytes",
  [ScalarType.BOOL]: "bool",
  [ScalarType.DOUBLE]: "double",
  [ScalarType.FLOAT]: "float",
  [ScalarType.INT32]: "int32",
  [ScalarType.INT64]: "int64",
  [ScalarType.UINT32]: "uint32",
  [ScalarType.UINT64]: "uint64",
  [ScalarType.SINT32]: "sint32",
  [ScalarType.SINT64]: "sint64",
  [ScalarType.FIXED32]: "fixed32",
  [ScalarType.FIXED64]: "fixed64",
  [ScalarType.SFIXED32]: "sfixed32",
  [ScalarType.SFIXED64]: "sfixed64",
} as const satisfies Record<Exclude<ScalarType, ScalarType.STRING>, keyof BinaryReader>;
