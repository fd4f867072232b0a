// Describes values, and what was thrown, for messages. Nothing here throws, even for a proxy, an object whose members throw,
// or an object without a prototype.

/** Maximum number of characters of a text that a message repeats. */
const MAX_SHOWN = 40;

/** A value's kind, and the value itself if it is short. */
export function describeValue(value: unknown): string {
  try {
    return describe(value);
  } catch {
    return `${typeof value === "function" ? "a function" : "an object"} that can't be looked at`;
  }
}

function describe(value: unknown): string {
  if (typeof value === "string")
    return value.length > MAX_SHOWN ? `a string of ${value.length} characters` : JSON.stringify(value);
  if (value === null || ["undefined", "boolean", "number"].includes(typeof value)) return String(value);
  if (typeof value === "bigint") return describeBigint(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? "an invalid Date" : `a Date (${value.toISOString()})`;
  if (typeof value === "object") return named("an object", value.constructor?.name);
  if (typeof value === "function") return named("a function", value.name);
  return `a ${typeof value}`;
}

function describeBigint(value: bigint): string {
  return value >= -MAX_BIGINT && value <= MAX_BIGINT ? `${value}n` : "a very large bigint";
}

const MAX_BIGINT = 10n ** BigInt(MAX_SHOWN);

function named(kind: string, name: unknown): string {
  return typeof name === "string" && name !== "" ? `${kind} (${shorten(name)})` : kind;
}

/** A name, truncated if it is very long: a long key must not fill a log. */
export function shorten(text: string, most = 100): string {
  return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`;
}

/** The message of an error. A string is its own message; any other value is described. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  try {
    const { message } = thrown as Error;
    if (typeof message === "string" && typeof thrown === "object") return message;
  } catch {
    // Then it is described.
  }
  return `it threw ${describeValue(thrown)}`;
}
