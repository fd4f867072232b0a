import { fallBack } from "./fallback.js";

/** Node's own conversions, which work on every Uint8Array. They are what `Buffer.toString` and `Buffer.write` call. */
interface NativeText {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  utf8Write(this: Uint8Array, text: string, start: number, maxBytes: number): number;
}

const { utf8Slice, utf8Write } = Buffer.prototype as unknown as NativeText;

/** Up to here, making a string of its character codes is faster than a call into Node. */
const SHORT = 12;

/**
 * The text of a stretch of UTF-8. It is a copy: it keeps nothing of the bytes alive, nor of other texts. Falls back where
 * the bytes may be no UTF-8.
 */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT && isAscii(bytes, start, end)) return shortText(bytes, start, end - start);
  const text = utf8Slice.call(bytes, start, end);
  // What is no UTF-8 becomes this character; it may also stand there by itself.
  if (text.includes("\ufffd")) fallBack();
  return text;
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let bits = 0;
  for (let i = start; i < end; i++) bits |= bytes[i] as number;
  return bits < 0x80;
}

const { fromCharCode } = String;

/** Calls with a fixed number of arguments: with a list of them, this would be the slower way. */
function shortText(b: Uint8Array, p: number, length: number): string {
  const at = (i: number) => b[p + i] as number;
  switch (length) {
    case 0:
      return "";
    case 1:
      return fromCharCode(at(0));
    case 2:
      return fromCharCode(at(0), at(1));
    case 3:
      return fromCharCode(at(0), at(1), at(2));
    case 4:
      return fromCharCode(at(0), at(1), at(2), at(3));
    case 5:
      return fromCharCode(at(0), at(1), at(2), at(3), at(4));
    case 6:
      return fromCharCode(at(0), at(1), at(2), at(3), at(4), at(5));
    case 7:
      return fromCharCode(at(0), at(1), at(2), at(3), at(4), at(5), at(6));
    case 8:
      return fromCharCode(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7));
    case 9:
      return fromCharCode(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8));
    case 10:
      return fromCharCode(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9));
    case 11:
      return fromCharCode(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9), at(10));
    default:
      return fromCharCode(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9), at(10), at(11));
  }
}

/** Texts that come again and again, such as names of lists, types and headers, by a number made of their bytes. */
const known: string[] = new Array(256).fill("");
const LONGEST_KNOWN = 64;

/** As `readText`, for texts that are likely to have been read before; then it is the same string. */
export function readName(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > LONGEST_KNOWN) return readText(bytes, start, end);
  const slot = slotOf(bytes, start, length);
  const name = known[slot] as string;
  return isTextOf(name, bytes, start, length) ? name : learn(slot, readText(bytes, start, end), length);
}

function slotOf(b: Uint8Array, p: number, length: number): number {
  const last = b[p + length - 1] as number;
  return (length * 31 + (b[p] as number) * 7 + last * 13 + (b[p + (length >> 1)] as number) * 3) & 0xff;
}

function isTextOf(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

/** Only texts of ASCII are kept, since their bytes are their characters. */
function learn(slot: number, text: string, bytes: number): string {
  if (text.length === bytes) known[slot] = text;
  return text;
}

/**
 * Writes text as UTF-8, and gives the number of bytes; there must be room for three a character. Falls back for lone
 * surrogates.
 */
export function writeText(bytes: Uint8Array, at: number, text: string): number {
  const written = utf8Write.call(bytes, text, at, text.length * 3);
  if (written !== text.length && !text.isWellFormed()) fallBack();
  return written;
}
