import { envelope, everyKind, fetchFile, join, key, pack, small, timestamp, unknownFields } from "./envelopes.js";
import type { HashCase } from "./manifest.js";

interface Reading {
  readonly hash: object;
  readonly binary: Uint8Array;
  readonly ignoreUnknownFields?: boolean;
  readonly limit?: number;
}

const type = "type.googleapis.com/example.v1.FetchFile";
const everyKindType = "type.googleapis.com/example.v1.EveryKind";
const sealedType = "type.googleapis.com/taskledger.v1.SealedData";
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const plain = { "@type": type, externalHost: "datto.com", filename: "file1.txt" };
const reserved = "taskledger-unknown-fields";

const readings: Record<string, Reading> = {
  "names of the .proto file": {
    hash: { task_list: "l", id: "i", data: { "@type": type, external_host: "h" }, saved_at: "1970-01-01T00:00:01Z" },
    binary: envelope({
      taskList: "l",
      id: "i",
      data: fetchFile({ externalHost: "h" }),
      savedAt: timestamp(1n),
    }),
  },
  "numbers for texts and texts for numbers": {
    hash: {
      ...key,
      data: { "@type": everyKindType, int64: 5, int32: "-5", double: "1.5" },
      attempt: "3",
    },
    binary: envelope({ data: everyKind({ int64: 5n, int32: -5, double: 1.5 }), attempt: 3 }),
  },
  "an enum value by its number": {
    hash: { ...key, data: { "@type": everyKindType, color: -2 } },
    binary: envelope({ data: everyKind({ color: -2 }) }),
  },
  "null for what is absent": {
    hash: { ...key, data: plain, createdAt: null, attempt: null, headers: null },
    binary: envelope({}),
  },
  "default values that are written out": {
    hash: { ...key, data: { ...plain, size: null }, attempt: 0, headers: {} },
    binary: envelope({}),
  },
  "a time of another zone": {
    hash: { ...key, data: plain, savedAt: "2026-01-02T04:04:06.5+01:00" },
    binary: envelope({ savedAt: timestamp(1_767_323_046n, 500_000_000) }),
  },
  "bytes in the alphabet of URLs": {
    hash: { ...key, data: { "@type": everyKindType, blob: "-_8" } },
    binary: envelope({ data: everyKind({ blob: Uint8Array.of(0xfb, 0xff) }) }),
  },
  "data that need not be sealed": {
    hash: { ...key, data: { "@type": sealedType, typeUrl: small.typeUrl, value: base64(small.value) } },
    binary: envelope({}),
  },
  "sealed data of another prefix": {
    hash: { ...key, data: { "@type": sealedType, typeUrl: "x/nobody.v1.Knows", value: "CAE=" } },
    binary: envelope({ data: pack("nobody.v1.Knows", Uint8Array.of(8, 1), "x/") }),
  },
  "another prefix before SealedData": {
    hash: {
      ...key,
      data: { "@type": "x/taskledger.v1.SealedData", typeUrl: small.typeUrl, value: base64(small.value) },
    },
    binary: envelope({}),
  },
  "unknown fields of the envelope beside other headers": {
    hash: { ...key, data: plain, headers: { a: "1", [reserved]: base64(unknownFields()) } },
    binary: join(envelope({ headers: { a: "1" } }), unknownFields()),
  },
  "a header of the reserved name that holds only known fields": {
    hash: { ...key, data: plain, headers: { [reserved]: base64(Uint8Array.of(0x30, 1)) } },
    binary: envelope({ headers: { [reserved]: base64(Uint8Array.of(0x30, 1)) } }),
  },
  "a hash that is longer than its limit, and stands for an envelope that is as large as it": {
    hash: { ...key, data: plain },
    binary: envelope({}),
    limit: envelope({}).length,
  },
  "unknown keys that are to be ignored": {
    hash: { ...key, data: { ...plain, priority: { high: true } }, tenant: 1 },
    binary: envelope({}),
    ignoreUnknownFields: true,
  },
};

export const hashCases: readonly HashCase[] = Object.entries(readings).map(
  ([name, { hash, binary, limit, ...options }]) => ({
    name,
    text: JSON.stringify(hash),
    ignoreUnknownFields: options.ignoreUnknownFields ?? false,
    binary: base64(binary),
    ...(limit !== undefined && { limit }),
  }),
);
