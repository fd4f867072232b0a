import { isTask } from "./copies.js";
import { describeValue } from "./describe-value.js";
import { adviseToAwait } from "./promises.js";
import { isPlainObject, readOr, tagOf } from "./values.js";

// Advice for common wrong arguments where bytes are expected. Each function returns the end of a message, or an empty string
// if it has no advice.

/** Maximum number of characters or elements that are examined, from the first. */
const LOOKED_AT = 100;

/** The message for a value that is not a Uint8Array. */
export function expectedBytes(value: unknown): string {
  return `expected a Uint8Array, got ${describeValue(value)}${adviseToAwait(value) || readOr("", () => adviseOnNoBytes(value))}`;
}

function adviseOnNoBytes(value: unknown): string {
  if (isTask(value)) return "; it is a task already";
  if (typeof value === "string") return adviseOnText(value);
  if (Array.isArray(value)) return isListOfNumbers(value) ? "; Uint8Array.from(numbers) makes one" : "";
  const tag = tagOf(value);
  if (tag === "ArrayBuffer" || tag === "SharedArrayBuffer") return "; new Uint8Array(buffer) makes one";
  if (!isPlainObject(value)) return "";
  if (value.type === "Buffer" && Array.isArray(value.data)) return "; of a Buffer's JSON: Buffer.from(value.data)";
  return "data" in value ? "; an object is read by fromHash" : "";
}

function isListOfNumbers(list: readonly unknown[]): boolean {
  const first = list.slice(0, LOOKED_AT);
  return first.length > 0 && Array.from(first).every(Number.isInteger);
}

function adviseOnText(text: string): string {
  if (looksLikeJson(text)) return "; JSON is read by fromHash(JSON.parse(text))";
  return looksLikeBase64(text) ? '; of base64: Buffer.from(text, "base64")' : "";
}

/** For bytes that are not a task. */
export function adviseOnBytes(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LOOKED_AT)).toString("latin1");
  if (looksLikeJson(start)) return "; they are JSON, which fromHash(JSON.parse(text)) reads";
  return looksLikeBase64(start) ? '; they are base64: Buffer.from(text, "base64")' : "";
}

function looksLikeJson(text: string): boolean {
  return /^\s*\{\s*"/.test(text.slice(0, LOOKED_AT));
}

/** An envelope begins with the tag of its list, a batch with that of its groups. */
function looksLikeBase64(text: string): boolean {
  return /^(C[g-v]|gg[E-H])[\w+/-]+=*$/.test(text.slice(0, LOOKED_AT));
}

/** An envelope begins with its list, as nearly every writer writes it. */
export function isEnvelope(bytes: Uint8Array): boolean {
  return bytes[0] === 0x0a;
}

/** A batch begins with field 16, which no envelope has. */
export function isBatch(bytes: Uint8Array): boolean {
  return bytes[0] === 0x82 && bytes[1] === 0x01;
}
