import { endianness } from "node:os";

/** What LMDB keeps the store in, in its folder. */
export const DATA_FILE = "data.mdb";

/** Of every store. */
export const PAGE_BYTES = 4096;

/** Where things are in a meta page of LMDB's data format 2, on 64 bits. A file begins with two of them. */
export const MAGIC_AT = 24;
export const FORMAT_AT = 28;
export const PAGE_SIZE_AT = 48;
export const FREE_ROOT_AT = 88;
export const MAIN_ROOT_AT = 136;
export const LAST_PAGE_AT = 144;
export const TRANSACTION_AT = 152;
export const META_BYTES = 160;

/** Of the root of a table that is empty. */
export const NO_PAGE = 0xffff_ffff_ffff_ffffn;

const little = endianness() === "LE";

/** Reads numbers as this machine writes them. Throws RangeError outside of the bytes. */
export function view(bytes: Buffer) {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    uint16: (at: number): number => data.getUint16(at, little),
    uint32: (at: number): number => data.getUint32(at, little),
    uint64: (at: number): bigint => data.getBigUint64(at, little),
  };
}
