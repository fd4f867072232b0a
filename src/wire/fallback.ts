/**
 * What a codec throws where the general way, protobuf-es, must decide: at anything unusual, well-formed or not. It is
 * one object, since making an error takes longer than decoding most messages.
 */
const FALL_BACK = new Error("left to protobuf-es");

/** Leaves the whole message to protobuf-es. */
export function fallBack(): never {
  throw FALL_BACK;
}
