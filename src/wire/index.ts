// What generated codecs are made of.

export { noBytes } from "./byte-copies.js";
export type { MessageCodec } from "./message-codec.js";
export type { Reader, Wrapper } from "./reader.js";
export { createTimestamp, readTimestamp, writeTimestamp } from "./timestamp.js";
export type { Writer } from "./writer.js";
