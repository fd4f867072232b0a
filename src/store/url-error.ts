import { TaskError } from "../core/errors.js";

/**
 * INVALID_URL that says what is wrong. `reason` must hold no part of the URL: whatever a part looks like, it may be one of a
 * password that is not written as it must be.
 */
export function invalidUrl(reason: string): TaskError {
  return new TaskError("INVALID_URL", `url: ${reason}`, { field: "url" });
}

/** The text behind its percent-encoding. Throws INVALID_URL. */
export function decodeUrlPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidUrl("a % must be followed by two hexadecimal digits; write %25 for the character itself");
  }
}
