import { TaskError } from "../core/errors.js";

/**
 * INVALID_URL with a reason, which must contain no part of the URL: any part may belong to a password that is not escaped.
 */
export function invalidUrl(reason: string): TaskError {
  return new TaskError("INVALID_URL", `url: ${reason}`, { field: "url" });
}

/** Decodes percent-encoding. Throws INVALID_URL. */
export function decodeUrlPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidUrl("a % must be followed by two hexadecimal digits; write %25 for the character itself");
  }
}
