import { fallBack } from "./fallback.js";
import { SHORT, shortText } from "./short-text.js";

/** Node's own conversions, which work on every Uint8Array. They are what `Buffer.toString` and `Buffer.write` call. */
interface NativeText {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  utf8Write(this: Uint8Array, text: string, start: number, maxBytes: number): number;
}

const { utf8Slice, utf8Write } = Buffer.prototype as unknown as NativeText;

/**
 * The text of a stretch of UTF-8. It is a copy: it keeps nothing of the bytes alive, nor of other texts. Falls back where
 * the bytes may be no UTF-8.
 */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return "";
  return (length <= SHORT && shortText(bytes, start, length)) || readUtf8(bytes, start, end);
}

function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  const text = utf8Slice.call(bytes, start, end);
  // What is no UTF-8 becomes this character; it may also stand there by itself.
  return text.includes("\ufffd") ? fallBack() : text;
}

/** A text that was read before, with its bytes, which are those of ASCII. */
interface KnownText {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Texts that come again and again, such as names of lists, types and headers, by a number made of their bytes. */
const known: KnownText[] = new Array(256).fill({ text: "", bytes: new Uint8Array() });
const LONGEST_KNOWN = 64;

/** As `readText`, for texts that are likely to have been read before; then it is the same string. */
export function readName(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > LONGEST_KNOWN) return readText(bytes, start, end);
  const slot = slotOf(bytes, start, length);
  const name = known[slot] as KnownText;
  if (isAt(name.bytes, bytes, start, length)) return name.text;
  const text = readText(bytes, start, end);
  if (text.length === length) known[slot] = { text, bytes: new Uint8Array(bytes.subarray(start, end)) };
  return text;
}

function slotOf(b: Uint8Array, p: number, length: number): number {
  const last = b[p + length - 1] as number;
  return (length * 31 + (b[p] as number) * 7 + last * 13 + (b[p + (length >> 1)] as number) * 3) & 0xff;
}

/** Four at a time, since each round of a loop takes about as long as one comparison. */
function isAt(part: Uint8Array, b: Uint8Array, p: number, length: number): boolean {
  if (part.length !== length) return false;
  let i = 0;
  for (; i + 4 <= length; i += 4)
    if (
      part[i] !== b[p + i] ||
      part[i + 1] !== b[p + i + 1] ||
      part[i + 2] !== b[p + i + 2] ||
      part[i + 3] !== b[p + i + 3]
    )
      return false;
  for (; i < length; i++) if (part[i] !== b[p + i]) return false;
  return true;
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
