/** Two halves of eight bytes; the arrays below share these bytes, and see them as one number. */
export const halves: Int32Array<ArrayBuffer> = new Int32Array(2);
export const double: Float64Array<ArrayBuffer> = new Float64Array(halves.buffer);
export const long: BigInt64Array<ArrayBuffer> = new BigInt64Array(halves.buffer);
export const unsignedLong: BigUint64Array<ArrayBuffer> = new BigUint64Array(halves.buffer);

/** The first half of the bytes, as a float. */
export const float: Float32Array<ArrayBuffer> = new Float32Array(halves.buffer, 0, 1);

/** The index of the lower half. */
export const LOW: number = isLittleEndian() ? 0 : 1;
export const HIGH: number = 1 - LOW;

function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}
