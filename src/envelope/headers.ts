import { describeValue, TaskError } from "../core/errors.js";
import { isPlainObject } from "../core/values.js";

/**
 * The header in which the hash carries what a newer version of the protocol put into the envelope and this one does
 * not know: the fields' bytes in base64. Reading the hash puts them back.
 */
export const UNKNOWN_FIELDS_HEADER = "taskledger-unknown-fields";

/** Throws INVALID_DATA unless they are headers that a user may give. */
export function checkNewHeaders(headers: unknown): asserts headers is Record<string, string> {
  checkHeaders(headers);
  if (UNKNOWN_FIELDS_HEADER in (headers as object))
    throw invalid(`headers["${UNKNOWN_FIELDS_HEADER}"]`, "the name is taken by the protocol");
}

/** Throws INVALID_DATA unless the headers are an object of well-formed strings. */
export function checkHeaders(headers: unknown): void {
  if (!isPlainObject(headers)) throw invalid("headers", `expected an object, got ${describeValue(headers)}`);
  for (const [key, value] of Object.entries(headers)) {
    if (key.isWellFormed() && typeof value === "string" && value.isWellFormed()) continue;
    throw invalid(`headers[${JSON.stringify(key)}]`, `expected well-formed strings, got ${describeValue(value)}`);
  }
}

/** The same headers in little memory: for a name such as "1000", V8 makes room for as many others, in 12 KB. */
export function compactHeaders(headers: Record<string, string>): Record<string, string> {
  for (const first in headers) return /^\d/.test(first) ? JSON.parse(JSON.stringify(headers)) : headers;
  return headers;
}

function invalid(field: string, reason: string): TaskError {
  return new TaskError("INVALID_DATA", `${field}: ${reason}`, { field });
}
