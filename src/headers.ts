import { isPlainObject } from "./data-check.js";
import { describeValue, TaskError } from "./errors.js";

/** Throws INVALID_DATA unless the headers are an object of well-formed strings. */
export function checkHeaders(headers: unknown): void {
  if (!isPlainObject(headers)) throw invalid("headers", `expected an object, got ${describeValue(headers)}`);
  for (const [key, value] of Object.entries(headers)) {
    if (key.isWellFormed() && typeof value === "string" && value.isWellFormed()) continue;
    throw invalid(`headers[${JSON.stringify(key)}]`, `expected well-formed strings, got ${describeValue(value)}`);
  }
}

function invalid(field: string, reason: string): TaskError {
  return new TaskError("INVALID_DATA", `${field}: ${reason}`, { field });
}
