import { markAsUntransferable } from "node:worker_threads";

/** Small results lie side by side in slabs of this size, since an ArrayBuffer takes longer to make than they do. */
export const SLAB_BYTES = 16384;

/** Larger ones have an ArrayBuffer of their own: one of these should not keep much else in memory. */
export const MAX_POOLED_BYTES = 1024;

/** V8 has room for that many bytes in the array object itself. */
const INLINE_BYTES = 64;

/**
 * A slab. Who transfers the bytes of one result to another thread must not take those of others along: it can't be
 * transferred, only copied, as Node's own pool of Buffers.
 */
export function makeSlab(): Uint8Array<ArrayBuffer> {
  const slab = new Uint8Array(SLAB_BYTES);
  markAsUntransferable(slab.buffer);
  return slab;
}

let slab = new Uint8Array(0);
let used = 0;

/** A copy of a stretch of bytes. */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  const length = end - start;
  if (length === 0) return noBytes;
  if (length <= INLINE_BYTES) return copyFew(bytes, start, length);
  const copy = length > MAX_POOLED_BYTES ? new Uint8Array(length) : takeFromSlab(length);
  copy.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length));
  return copy;
}

/** One by one, which takes less than to make an array of those to copy. */
function copyFew(bytes: Uint8Array, start: number, length: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length);
  for (let i = 0; i < length; i++) copy[i] = bytes[start + i] as number;
  return copy;
}

function takeFromSlab(length: number): Uint8Array<ArrayBuffer> {
  if (used + length > slab.length) {
    slab = makeSlab();
    used = 0;
  }
  const bytes = new Uint8Array(slab.buffer, used, length);
  used += length;
  return bytes;
}

/**
 * No bytes; protobuf-es, too, has one such array for all messages of a type. Who transferred it would take it from all: a
 * detached array can't even be copied.
 */
export const noBytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
markAsUntransferable(noBytes.buffer);
