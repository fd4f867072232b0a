/**
 * Thrown by a codec for anything unusual, well-formed or not: protobuf-es must decide. No other error of a codec is caught: it
 * is a bug, or comes from a getter or a proxy among the values.
 */
export class Unsupported extends Error {
  override readonly name = "Unsupported";
}

/** A single instance: creating an error takes longer than decoding most messages. */
const unsupported = new Unsupported("left to protobuf-es");

/** Leaves the whole message to protobuf-es. */
export function fallBack(): never {
  throw unsupported;
}

/** Returns undefined if the error is that of a fallback; rethrows any other. */
export function catchFallback(error: unknown): undefined {
  if (!(error instanceof Unsupported)) throw error;
}
