// What generated codecs are made of.
export { fallBack } from "./fallback.js";
export type { MessageCodec } from "./message-codec.js";
export { noBytes } from "./pool.js";
export type { Reader } from "./reader.js";
export { readTimestamp, writeTimestamp } from "./timestamp.js";
export type { Writer } from "./writer.js";
export { prototypeOf } from "./writer.js";
