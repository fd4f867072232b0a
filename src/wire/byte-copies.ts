import { markAsUntransferable } from "node:worker_threads";

/**
 * No bytes; protobuf-es, too, has one such array for all messages of a type. Transferring it to another
 * thread would detach it everywhere, and a detached array can't even be copied.
 */
export const noBytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
markAsUntransferable(noBytes.buffer);

/** Copies of few bytes lie side by side in slabs: an ArrayBuffer of its own would take far more than they do. */
const SLAB_BYTES = 4096;
const MAX_IN_SLAB = 64;
let slab = noBytes;
let used = 0;

/** A copy of the bytes between two positions. */
export function keep(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  const length = end - start;
  if (length > MAX_IN_SLAB) return copyOf(bytes, start, end);
  if (used + length > slab.length) takeSlab();
  const from = used;
  for (let i = start; i < end; i++) slab[used++] = bytes[i] as number;
  return new Uint8Array(slab.buffer, from, length);
}

/** A copy of the bytes between two positions, in a buffer of its own; made without a view, which takes as much as few bytes. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  const length = end - start;
  if (length === 0) return noBytes;
  const copy = new Uint8Array(length);
  if (length > MAX_IN_SLAB) copy.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length));
  else for (let i = 0; i < length; i++) copy[i] = bytes[start + i] as number;
  return copy;
}

function takeSlab(): void {
  slab = new Uint8Array(SLAB_BYTES);
  used = 0;
  // Transferring one copy to another thread would detach the others.
  markAsUntransferable(slab.buffer);
}
