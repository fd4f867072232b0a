/**
 * What a codec throws where protobuf-es must decide: at anything unusual, well-formed or not. It is all that is caught of a
 * codec: any other error is a bug in it, or comes from a getter or a proxy among the values that it is given.
 */
export class Unsupported extends Error {
  override readonly name = "Unsupported";
}

/** One for all: to make an error takes longer than to decode most messages. */
const unsupported = new Unsupported("left to protobuf-es");

/** Leaves the whole message to protobuf-es. */
export function fallBack(): never {
  throw unsupported;
}

/** Where a codec may fall back: undefined if it has. */
export function catchFallback(error: unknown): undefined {
  if (!(error instanceof Unsupported)) throw error;
}
