import { create } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { anyPack, BytesValueSchema, timestampNow } from "@bufbuild/protobuf/wkt";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import type { SaveEntry } from "../adapter/adapter.js";
import { MAX_KEY_BYTES } from "../core/keys.js";
import { MAX_VERSION, type Version } from "../core/version.js";
import { encodeBody, MAX_SAVED_AT_BYTES } from "../envelope/encode.js";
import { DEFAULT_MAX_TASK_BYTES } from "../envelope/envelope.js";

export interface EntryInit {
  /** The task's data; by default a text that no other entry has. */
  readonly data?: Uint8Array;
  /** The versions that the save replaces; none by default, which is a blind save. */
  readonly replaces?: readonly Version[];
  /** Whether the envelope has a field of a later version of the protocol. */
  readonly hasUnknownFields?: boolean;
}

let serial = 0;

/** Its length, and as many bytes. */
const unknownField = Uint8Array.of(3, 0xfe, 0xff, 0);

/** A save as a data interface makes it: its body is that of an envelope, whose data is a message. */
export function taskEntry(taskList: string, id: string, init: EntryInit = {}): SaveEntry {
  const { data, replaces = [], hasUnknownFields = false } = init;
  serial++;
  const message = create(BytesValueSchema, { value: data ?? new TextEncoder().encode(`task ${serial}`) });
  const envelope = create(TaskEnvelopeSchema, {
    taskList,
    id,
    data: anyPack(BytesValueSchema, message),
    createdAt: timestampNow(),
    attempt: serial % 3,
    headers: serial % 2 ? { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" } : {},
  });
  if (hasUnknownFields) envelope.$unknown = [{ no: 1000, wireType: WireType.LengthDelimited, data: unknownField }];
  return { taskList, id, type: BytesValueSchema.typeName, replaces, body: encodeBody(envelope, Infinity) };
}

/** A save whose envelope is just within the default maximum size. */
export function largeEntry(taskList: string, id: string): SaveEntry {
  const bare = taskEntry(taskList, id, { data: new Uint8Array() }).body.length + MAX_SAVED_AT_BYTES;
  return taskEntry(taskList, id, { data: sampleBytes(DEFAULT_MAX_TASK_BYTES - bare - 64) });
}

/** A save that fails with CLOCK_SKEW: it replaces the highest possible version. */
export function failingEntry(taskList: string, id: string): SaveEntry {
  return taskEntry(taskList, id, { replaces: [MAX_VERSION] });
}

/** Every value of a byte, repeated. */
export function sampleBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31;
  return bytes;
}

const run = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
let lists = 0;

/** A new task list. */
export function newTaskList(): string {
  lists++;
  return `conformance-${run}-${lists}`;
}

/** Keys of the largest size, of characters that take one, two, three and four bytes; they end in `suffix`. */
export function longestKeys(suffix: string): string[] {
  return ["k", "é", "ぬ", "🙂"].map((character) => {
    const room = MAX_KEY_BYTES - Buffer.byteLength(suffix);
    const count = Math.floor(room / Buffer.byteLength(character));
    return `${"-".repeat(room - count * Buffer.byteLength(character))}${character.repeat(count)}${suffix}`;
  });
}

/** Every ASCII character that a key may hold, as a key of its own; and what stores, paths and queries stumble over. */
export const awkwardKeys: readonly string[] = [
  ...Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1)),
  ...["..", "../x", "a/b", "a\\b", " a", "a ", "a\nb", "\r\n", "**", "a*", "a%", "%00", "%2F", "a_b", "a?b=c&d#e"],
  ...["''", "a'b", 'a"b', "`a`", "$1", "${", "{{a}}", "{}", "[]", "'; DROP TABLE tasks; --", "a:b", "a,b", "a|b"],
  ...["null", "undefined", "true", "NaN", "-1", "01", "1.0", "1e3", "__proto__", "constructor", "toString", "then"],
  // Text that looks alike, or that software folds into one.
  ...["é", "e\u0301", "ﬁ", "ss", "ß", "ẞ", "İ", "ı", "Å", "\u212b", "Ⅳ", "ａ", "\u00ad", "a\u200bb", "\u202eabc"],
  // The edges of Unicode and of its encodings; in UTF-16 the last two are in the other order than in UTF-8.
  ...["\u0080", "\u07ff", "\u0800", "\u2028", "\ud7ff", "\ue000", "\ufeffa", "\ufffd", "\uffff", "\u{10000}"],
  ...["\u{10ffff}", "👩‍👩‍👧‍👦", "مهمة", "任务"],
];
