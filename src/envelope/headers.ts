import { describeValue, shorten } from "../core/describe-value.js";
import { TaskError } from "../core/errors.js";
import { readFrom } from "../core/read-from.js";
import { isPlainObject } from "../core/values.js";
import { makeSparse } from "../wire/sparse.js";

/**
 * The header in which a hash carries fields of the envelope that this version of the protocol does not know: their bytes in
 * base64. Reading the hash puts them back.
 */
export const UNKNOWN_FIELDS_HEADER = "taskledger-unknown-fields";

/** A copy of headers that a user gives. Throws INVALID_DATA if they are not allowed. */
export function readNewHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  checkHeaders(headers);
  const copy = readFrom(() => ({ ...headers }), unreadable);
  if (Object.hasOwn(copy, UNKNOWN_FIELDS_HEADER))
    throw invalid(`headers["${UNKNOWN_FIELDS_HEADER}"]`, "the name is taken by the protocol");
  return copy;
}

/** Throws INVALID_DATA unless the headers are an object of well-formed strings. */
export function checkHeaders(headers: unknown): void {
  readFrom(() => checkStrings(headers), unreadable);
}

function checkStrings(headers: unknown): void {
  if (!isPlainObject(headers)) throw invalid("headers", `expected an object, got ${describeValue(headers)}`);
  for (const [key, value] of Object.entries(headers)) {
    if (key.isWellFormed() && typeof value === "string" && value.isWellFormed()) continue;
    throw invalid(
      `headers[${JSON.stringify(shorten(key))}]`,
      `expected well-formed strings, got ${describeValue(value)}`,
    );
  }
}

/** Numbers come first among an object's keys. */
export function copyHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  for (const first in headers) return /^\d/.test(first) ? Object.assign(makeSparse({}), headers) : { ...headers };
  return {};
}

function unreadable(reason: string, cause: unknown): TaskError {
  return invalid("headers", reason, cause);
}

function invalid(field: string, reason: string, cause?: unknown): TaskError {
  return new TaskError("INVALID_DATA", `${field}: ${reason}`, { field, cause });
}
