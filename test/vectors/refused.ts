import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { envelope, join, key, pack, small, timestamp } from "./envelopes.js";
import type { RefusedCase } from "./manifest.js";

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const text = (number: number, bytes: Uint8Array) => new BinaryWriter().tag(number, 2).bytes(bytes).finish();
const whole = envelope({});

const binaries: Record<string, Uint8Array> = {
  "no bytes": new Uint8Array(),
  "bytes that end too early": whole.subarray(0, whole.length - 1),
  "a length that runs past the end": join(whole, Uint8Array.of(0x3a, 0x7f)),
  "a tag of field 0": join(whole, Uint8Array.of(0, 0)),
  "a wire type that there is none of": join(whole, Uint8Array.of(0x0f)),
  "an end of a group that never began": join(whole, Uint8Array.of(0x0c)),
  "no task list": envelope({ taskList: "" }),
  "no id": envelope({ id: "" }),
  "a task list of 513 bytes": envelope({ taskList: "l".repeat(513) }),
  "an id of 171 characters and 513 bytes": envelope({ id: "任".repeat(171) }),
  "a NUL in the task list": envelope({ taskList: "a\0" }),
  "a NUL in the id": envelope({ id: "\0" }),
  "an id that is not UTF-8": join(whole, text(2, Uint8Array.of(0xff))),
  "an id with half a surrogate pair": join(whole, text(2, Uint8Array.of(0xed, 0xa0, 0x80))),
  "an id of an overlong encoding": join(whole, text(2, Uint8Array.of(0xc1, 0xa1))),
  "a header that is not UTF-8": join(whole, text(7, text(1, Uint8Array.of(0xff)))),
  "no data": join(text(1, Buffer.from("l")), text(2, Buffer.from("i"))),
  "data without a type": envelope({ data: {} }),
  "data with only a prefix": envelope({ data: pack("", new Uint8Array()) }),
  "a version that is no whole microsecond": envelope({ savedAt: timestamp(1n, 1) }),
  "a version of zero": envelope({ savedAt: timestamp(0n) }),
  "a version before 1970": envelope({ savedAt: timestamp(-1n, 0) }),
  "a version after 9999": envelope({ savedAt: timestamp(253_402_300_800n) }),
  "a version whose nanoseconds are negative": envelope({ savedAt: timestamp(1n, -1000) }),
  "a version whose nanoseconds are a second": envelope({ savedAt: timestamp(1n, 1_000_000_000) }),
  "a time of building before the year 1": envelope({ createdAt: timestamp(-62_135_596_801n) }),
  "a time of building after 9999": envelope({ createdAt: timestamp(253_402_300_800n) }),
  "a time of building whose nanoseconds are a second": envelope({ createdAt: timestamp(1n, 1_000_000_000) }),
};

const data = { "@type": "type.googleapis.com/example.v1.FetchFile" };
const everyKind = { "@type": "type.googleapis.com/example.v1.EveryKind" };

const hashes: Record<string, object | string> = {
  "a hash that is no JSON": "{",
  "a hash that is a list": "[]",
  "a hash that is a text": '"text"',
  "a hash without data": { ...key },
  "a hash whose data is null": { ...key, data: null },
  "a hash whose data has no type": { ...key, data: { filename: "a" } },
  "a hash whose data has only a prefix": { ...key, data: { "@type": "type.googleapis.com/" } },
  "a hash without an id": { taskList: "l", data },
  "a hash with an empty task list": { taskList: "", id: "i", data },
  "a hash with a NUL in the id": { taskList: "l", id: "a\0", data },
  "a hash with an id of 513 bytes": { taskList: "l", id: "i".repeat(513), data },
  "a hash with half a surrogate pair": `{"taskList":"l","id":"\\ud800","data":${JSON.stringify(data)}}`,
  "a hash with half a surrogate pair in the data":
    '{"taskList":"l","id":"i","data":{"@type":"x/example.v1.FetchFile","filename":"\\udc00 "}}',
  "a hash with a key that the envelope does not have": { ...key, data, priority: 1 },
  "a hash with a key that the data does not have": { ...key, data: { ...data, host: "h" } },
  "a hash with a number for a text": { ...key, data: { ...data, filename: 1 } },
  "a hash with a text for a message": { ...key, data: "x" },
  "a hash with an empty text for a message in the data": { ...key, data: { ...everyKind, child: "" } },
  "a hash with an empty list for a message in the data": { ...key, data: { ...everyKind, child: [] } },
  "a hash with an empty text among messages in the data": { ...key, data: { ...everyKind, children: [{}, ""] } },
  "a hash with an integer that is too large": { ...key, data: { ...data, size: "9223372036854775808" } },
  "a hash with a fraction for an integer": { ...key, data: { ...everyKind, int32: 1.5 } },
  "a hash with a negative attempt": { ...key, data, attempt: -1 },
  "a hash with a version of nanoseconds": { ...key, data, savedAt: "2026-01-02T03:04:05.123456789Z" },
  "a hash with a version of zero": { ...key, data, savedAt: "1970-01-01T00:00:00Z" },
  "a hash with a time without a zone": { ...key, data, createdAt: "2026-01-02T03:04:05" },
  "a hash with a number for a header": { ...key, data, headers: { a: 1 } },
  "a hash whose messages are nested 200 deep": nested(200),
  "a hash whose lists are nested 5,000 deep": `{"taskList":"l","id":"i","data":{"@type":"x/example.v1.FetchFile","filename":${"[".repeat(5_000)}${"]".repeat(5_000)}}}`,
  "a hash sealed without a type": {
    ...key,
    data: { "@type": "type.googleapis.com/taskledger.v1.SealedData", value: "" },
  },
};

const pad = { externalHost: "x".repeat(300) };
const sealed = { "@type": "type.googleapis.com/taskledger.v1.SealedData", typeUrl: small.typeUrl };

/** Each stands for an envelope of more than 300 bytes. */
const large: Record<string, object> = {
  "a hash over the limit": { ...key, data: { ...data, ...pad } },
  "a hash over the limit, by its headers": { ...key, data, headers: { a: "x".repeat(300) } },
  "a hash over the limit, sealed": { ...key, data: { ...sealed, value: base64(new Uint8Array(300)) } },
  "a hash over the limit, by unknown fields": {
    ...key,
    data,
    headers: { "taskledger-unknown-fields": base64(text(901, new Uint8Array(300))) },
  },
};

/** A message in a message in a message … */
function nested(depth: number): object {
  let child: object = {};
  for (let i = 1; i < depth; i++) child = { child };
  return { ...key, data: { ...everyKind, ...child } };
}

const unknownType = { ...key, data: { "@type": "type.googleapis.com/nobody.v1.Knows", a: 1 } };

export const refusedCases: readonly RefusedCase[] = [
  ...Object.entries(binaries).map(([name, bytes]) => ({ name, binary: base64(bytes), code: "INVALID_ENVELOPE" })),
  { name: "an envelope over the limit", binary: base64(whole), limit: whole.length - 1, code: "TOO_LARGE" },
  { name: "no envelope, and over the limit", binary: base64(new Uint8Array(9)), limit: 8, code: "TOO_LARGE" },
  ...Object.entries(hashes).map(([name, hash]) => ({
    name,
    text: typeof hash === "string" ? hash : JSON.stringify(hash),
    code: "INVALID_HASH",
    ...(name.includes("number for a") && { mayBeRead: true }),
  })),
  ...Object.entries(large).map(([name, hash]) => ({
    name,
    text: JSON.stringify(hash),
    limit: 300,
    code: "TOO_LARGE",
  })),
  { name: "a hash of a type that nobody knows", text: JSON.stringify(unknownType), code: "UNKNOWN_TYPE" },
];
