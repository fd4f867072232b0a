import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { envelope, everyKind, join } from "./envelopes.js";
import type { StreamCase } from "./manifest.js";

const one = envelope({});
const two = envelope({ id: "file2", data: everyKind({ text: "x".repeat(200) }) });
const three = envelope({ id: "😀" });
const frame = (bytes: Uint8Array) => new BinaryWriter().bytes(bytes).finish();
const whole = join(frame(one), frame(two), frame(three));

type Streams = Record<
  string,
  readonly [stream: Uint8Array, frames: readonly Uint8Array[], error?: StreamCase["error"]]
>;

const streams: Streams = {
  nothing: [new Uint8Array(), []],
  "one frame": [frame(one), [one]],
  "three frames, one with a length of two bytes": [whole, [one, two, three]],
  "a stream that ends inside of a frame": [whole.subarray(0, whole.length - 1), [one, two], "TRUNCATED"],
  "a stream that ends inside of a length": [join(frame(one), Uint8Array.of(0x80)), [one], "TRUNCATED"],
  "a length and nothing else": [Uint8Array.of(5), [], "TRUNCATED"],
  "an empty frame": [join(Uint8Array.of(0), frame(one)), [new Uint8Array(), one]],
  "a length with more bytes than it needs": [join(Uint8Array.of(0x81, 0x00, 7), frame(one)), [Uint8Array.of(7), one]],
  "a frame of one byte more than the limit": [join(frame(one), varint(2 ** 20 + 1)), [one], "TOO_LARGE"],
  "a length of six bytes": [Uint8Array.of(0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 7), [], "INVALID_BATCH"],
  "a length of 4 GiB": [join(varint(2 ** 32 - 1), new Uint8Array(8)), [], "TOO_LARGE"],
};

function varint(value: number): Uint8Array {
  return new BinaryWriter().uint32(value).finish();
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

/** Read with the limit of 1 MiB a frame. */
export const streamCases: readonly StreamCase[] = Object.entries(streams).map(([name, [stream, frames, error]]) => ({
  name,
  stream: base64(stream),
  frames: frames.map(base64),
  error: error ?? null,
}));
