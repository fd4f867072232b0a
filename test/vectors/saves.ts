import { create, toBinary } from "@bufbuild/protobuf";
import { DamagedTaskSchema } from "../../gen/taskledger/v1/damaged_task_pb.js";
import { envelope, join, pack, timestamp, unknownFields } from "./envelopes.js";
import type { SaveCase, StoredCase } from "./manifest.js";
import { refusedCases } from "./refused.js";

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const DEFAULT_LIMIT = 1024 * 1024;
const saved = { savedAt: timestamp(1_767_323_046n, 123_456_000) };

/** An envelope without `saved_at` is its own body. */
const bodies: Record<string, readonly [envelope: Uint8Array, body: Uint8Array]> = {
  "a task that is new": [envelope({}), envelope({})],
  "a task that was saved before": [envelope(saved), envelope({})],
  "a task with unknown fields": [join(envelope(saved), unknownFields()), join(envelope({}), unknownFields())],
  "a task with headers": [envelope({ ...saved, headers: { a: "1" } }), envelope({ headers: { a: "1" } })],
};

const largest = envelope({});

/** Bytes that a protobuf library reads, and that break the protocol's rules. */
const isMessage = (name: string) => !/no bytes|end|length|tag|wire type|UTF-8|surrogate|overlong/.test(name);

export const saveCases: readonly SaveCase[] = [
  ...Object.entries(bodies).map(([name, [binary, body]]) => ({
    name,
    binary: base64(binary),
    limit: DEFAULT_LIMIT,
    body: base64(body),
    code: null,
  })),
  {
    name: "the largest task that there is room for",
    binary: base64(largest),
    limit: largest.length + 15,
    body: base64(largest),
    code: null,
  },
  {
    name: "a task that would be too large with its version",
    binary: base64(largest),
    limit: largest.length + 14,
    body: null,
    code: "TOO_LARGE",
  },
  ...refusedCases
    .filter(({ name, binary, code }) => binary !== undefined && code === "INVALID_ENVELOPE" && isMessage(name))
    .map(({ name, binary = "", code }) => ({ name, binary, limit: DEFAULT_LIMIT, body: null, code })),
];

const key = { taskList: "datto.com", id: "file1" };
const version = 1_767_323_046_123_456n;

function damaged(body: Uint8Array): Uint8Array {
  const value = toBinary(DamagedTaskSchema, create(DamagedTaskSchema, { body }));
  return envelope({ ...key, ...saved, data: pack(DamagedTaskSchema.typeName, value) });
}

const bad: Record<string, Uint8Array> = {
  "no bytes": new Uint8Array(),
  "bytes that are no envelope": Uint8Array.of(0xff),
  "an envelope of another list": envelope({ taskList: "other" }),
  "an envelope of another id": envelope({ id: "other" }),
  "an envelope without data": Uint8Array.of(0x0a, 1, 0x6c, 0x12, 1, 0x69),
  "an envelope with a time after 9999": envelope({ createdAt: timestamp(253_402_300_800n) }),
};

/** What lies under the key and at the version below, and the envelope that it comes as. */
export const storedCases: readonly StoredCase[] = [
  ["a body", envelope({}), envelope(saved)] as const,
  ["a body with a version of its own", envelope({ savedAt: timestamp(1n) }), envelope(saved)] as const,
  ...Object.entries(bad).map(([name, body]) => [name, body, damaged(body)] as const),
].map(([name, body, whole]) => ({
  name,
  ...key,
  version: String(version),
  body: base64(body),
  envelope: base64(whole),
}));
