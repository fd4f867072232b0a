/**
 * Thrown by a codec for what it leaves to protobuf-es, which must decide. No other error of a codec is caught: it is a bug, or
 * comes from a getter or a proxy among the values.
 */
export class Unsupported extends Error {
  override readonly name: string = "Unsupported";
}

/** Thrown by a codec for bytes that are no message of its type: protobuf-es refuses them, too, and says why. */
export class Malformed extends Unsupported {
  override readonly name = "Malformed";
}

/** Single instances: creating an error takes longer than decoding most messages. */
const unsupported = new Unsupported("left to protobuf-es");
const malformed = new Malformed("not a message of this type");

/** Leaves the whole message to protobuf-es. */
export function fallBack(): never {
  throw unsupported;
}

/** Refuses the whole message. */
export function refuse(): never {
  throw malformed;
}

/** Returns the error if it is that of a fallback or a refusal; rethrows any other. */
export function catchFallback(error: unknown): Unsupported {
  if (error instanceof Unsupported) return error;
  throw error;
}
