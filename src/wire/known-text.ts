import { readText } from "./text.js";

const SLOTS = 256;
const MAX_BYTES = 64;

/** Four bytes each, but for the last one to three, which have one each. */
const MAX_WORDS = 18;

/** Texts of ASCII that were read before, such as names of lists, types and headers, by a number made of their bytes. */
const texts: string[] = new Array(SLOTS).fill("");

/** Their bytes, in an array that never changes, to which the compiler knows the way. */
const words = new Int32Array(SLOTS * MAX_WORDS);

/** As `readText`, for texts that are likely to have been read before; then it is the same string. */
export function readName(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > MAX_BYTES) return readText(bytes, start, end);
  const slot = slotOf(bytes, start, length);
  const text = texts[slot] as string;
  return text.length === length && isIn(slot, bytes, start, end) ? text : learn(slot, bytes, start, end);
}

function slotOf(b: Uint8Array, p: number, length: number): number {
  const last = b[p + length - 1] as number;
  return (length * 31 + (b[p] as number) * 7 + last * 13 + (b[p + (length >> 1)] as number) * 3) & (SLOTS - 1);
}

function isIn(slot: number, bytes: Uint8Array, start: number, end: number): boolean {
  let p = start;
  let at = slot * MAX_WORDS;
  for (; p + 4 <= end; p += 4) if (words[at++] !== wordAt(bytes, p)) return false;
  for (; p < end; p++) if (words[at++] !== bytes[p]) return false;
  return true;
}

function learn(slot: number, bytes: Uint8Array, start: number, end: number): string {
  const text = readText(bytes, start, end);
  if (text.length !== end - start) return text;
  let p = start;
  let at = slot * MAX_WORDS;
  for (; p + 4 <= end; p += 4) words[at++] = wordAt(bytes, p);
  for (; p < end; p++) words[at++] = bytes[p] as number;
  texts[slot] = text;
  return text;
}

function wordAt(b: Uint8Array, p: number): number {
  return (b[p] as number) | ((b[p + 1] as number) << 8) | ((b[p + 2] as number) << 16) | ((b[p + 3] as number) << 24);
}
