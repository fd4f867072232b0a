import { constants, isUtf8 } from "node:buffer";
import { fallBack, refuse } from "./fallback.js";

/** Node's own conversions, which work on every Uint8Array. They are what `Buffer.toString` and `Buffer.write` call. */
interface NativeText {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  utf8Write(this: Uint8Array, text: string, start: number, maxBytes: number): number;
}

const { utf8Slice, utf8Write } = Buffer.prototype as unknown as NativeText;

/**
 * Decodes UTF-8. The result is a copy: it keeps neither the bytes nor other strings in memory. Refuses bytes that
 * are not UTF-8.
 */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  return shortText(bytes, start, end - start) || readUtf8(bytes, start, end);
}

function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > constants.MAX_STRING_LENGTH) refuse();
  const text = utf8Slice.call(bytes, start, end);
  // Invalid UTF-8 becomes this character, which may also be part of the text.
  return text.includes("\ufffd") && !isUtf8(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start))
    ? refuse()
    : text;
}

/**
 * Writes text as UTF-8, and returns the number of bytes; there must be room for three bytes per character. Falls back for
 * lone surrogates.
 */
export function writeText(bytes: Uint8Array, at: number, text: string): number {
  const written = utf8Write.call(bytes, text, at, text.length * 3);
  if (written !== text.length && !text.isWellFormed()) fallBack();
  return written;
}

const NAMES = 256;
const MAX_NAME_BYTES = 64;

/** ASCII texts that were read before, such as names of lists, types and headers, by a hash of their bytes. */
const names: string[] = new Array(NAMES).fill("");

/** Like `readText`, for a text that was probably read before; then it returns the same string. */
export function readName(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > MAX_NAME_BYTES) return readText(bytes, start, end);
  const slot = slotOf(bytes, start, length);
  const known = names[slot] as string;
  if (isAt(known, bytes, start, length)) return known;
  const text = readText(bytes, start, end);
  if (text.length === length) names[slot] = text;
  return text;
}

function slotOf(b: Uint8Array, at: number, length: number): number {
  const first = b[at] as number;
  const middle = b[at + (length >> 1)] as number;
  const last = b[at + length - 1] as number;
  return (length * 31 + first * 7 + middle * 3 + last * 13) & (NAMES - 1);
}

function isAt(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

/** Up to this length, that of a UUID, making a string from character codes is faster than a call into Node. */
const SHORT = 36;

const of = String.fromCharCode;

/**
 * The text of 1 to 36 ASCII bytes; empty or false for anything else. Each length has a call with its own number of
 * arguments: a call with an array of them would be slower than Node's function.
 */
// biome-ignore format: as a table
function shortText(bytes: Uint8Array, at: number, length: number): string | false {
  if (length > SHORT || length === 0) return "";
  let bits = 0;
  const a = bytes[at] as number; bits |= a; if (length === 1) return bits < 0x80 && of(a);
  const b = bytes[at + 1] as number; bits |= b; if (length === 2) return bits < 0x80 && of(a,b);
  const c = bytes[at + 2] as number; bits |= c; if (length === 3) return bits < 0x80 && of(a,b,c);
  const d = bytes[at + 3] as number; bits |= d; if (length === 4) return bits < 0x80 && of(a,b,c,d);
  const e = bytes[at + 4] as number; bits |= e; if (length === 5) return bits < 0x80 && of(a,b,c,d,e);
  const f = bytes[at + 5] as number; bits |= f; if (length === 6) return bits < 0x80 && of(a,b,c,d,e,f);
  const g = bytes[at + 6] as number; bits |= g; if (length === 7) return bits < 0x80 && of(a,b,c,d,e,f,g);
  const h = bytes[at + 7] as number; bits |= h; if (length === 8) return bits < 0x80 && of(a,b,c,d,e,f,g,h);
  const i = bytes[at + 8] as number; bits |= i; if (length === 9) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i);
  const j = bytes[at + 9] as number; bits |= j; if (length === 10) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j);
  const k = bytes[at + 10] as number; bits |= k; if (length === 11) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k);
  const l = bytes[at + 11] as number; bits |= l; if (length === 12) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l);
  const m = bytes[at + 12] as number; bits |= m; if (length === 13) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m);
  const n = bytes[at + 13] as number; bits |= n; if (length === 14) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n);
  const o = bytes[at + 14] as number; bits |= o; if (length === 15) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o);
  const p = bytes[at + 15] as number; bits |= p; if (length === 16) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p);
  const q = bytes[at + 16] as number; bits |= q; if (length === 17) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q);
  const r = bytes[at + 17] as number; bits |= r; if (length === 18) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r);
  const s = bytes[at + 18] as number; bits |= s; if (length === 19) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s);
  const t = bytes[at + 19] as number; bits |= t; if (length === 20) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t);
  const u = bytes[at + 20] as number; bits |= u; if (length === 21) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u);
  const v = bytes[at + 21] as number; bits |= v; if (length === 22) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v);
  const w = bytes[at + 22] as number; bits |= w; if (length === 23) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w);
  const x = bytes[at + 23] as number; bits |= x; if (length === 24) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x);
  const y = bytes[at + 24] as number; bits |= y; if (length === 25) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y);
  const z = bytes[at + 25] as number; bits |= z; if (length === 26) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z);
  const A = bytes[at + 26] as number; bits |= A; if (length === 27) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A);
  const B = bytes[at + 27] as number; bits |= B; if (length === 28) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B);
  const C = bytes[at + 28] as number; bits |= C; if (length === 29) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C);
  const D = bytes[at + 29] as number; bits |= D; if (length === 30) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D);
  const E = bytes[at + 30] as number; bits |= E; if (length === 31) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E);
  const F = bytes[at + 31] as number; bits |= F; if (length === 32) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,F);
  const G = bytes[at + 32] as number; bits |= G; if (length === 33) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,F,G);
  const H = bytes[at + 33] as number; bits |= H; if (length === 34) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,F,G,H);
  const I = bytes[at + 34] as number; bits |= I; if (length === 35) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,F,G,H,I);
  const J = bytes[at + 35] as number; bits |= J; if (length === 36) return bits < 0x80 && of(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,F,G,H,I,J);
  return false;
}
