import { fallBack } from "./fallback.js";
import { shortText } from "./short-text.js";

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
  return shortText(bytes, start, end - start) || readUtf8(bytes, start, end);
}

function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  const text = utf8Slice.call(bytes, start, end);
  // What is no UTF-8 becomes this character; it may also stand there by itself.
  return text.includes("\ufffd") ? fallBack() : text;
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
