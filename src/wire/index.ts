// What generated codecs are made of.
export type { MessageCodec } from "./message-codec.js";
export { noBytes, type Reader, type Wrapper } from "./reader.js";
export { createTimestamp, readTimestamp, writeTimestamp } from "./timestamp.js";
export type { Writer } from "./writer.js";
