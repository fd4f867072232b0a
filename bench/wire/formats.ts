import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Packr } from "msgpackr";
import type { Task, TaskClass } from "taskledger";
import { CopyFileTask, IndexCatalogueTask, TranscodeVideoTask } from "../../gen/example/v1/sizes_task.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { decodeMessage, encodeMessage, type MessageCodec } from "../../src/wire/message-codec.js";
import type { Payload, Size } from "./payloads.js";
import { protobufjsTypes } from "./protobufjs-types.js";

// biome-ignore lint/suspicious/noExplicitAny: each format has its own form of a value
type Value = any;

/** A format: encodes values in its own form to bytes, and decodes them. */
export interface Format {
  /** The value in the format's form, made before the measurement. */
  make(payload: Payload): Value;
  encode(value: Value): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

export type FormatName = "taskledger" | "protobuf-es" | "JSON" | "protobufjs" | "msgpackr";

export type Formats = Readonly<Record<FormatName, Format>>;

type SizedClass = TaskClass<Task> & { readonly codec: MessageCodec; fromBinary(bytes: Uint8Array): Task };

export const classes: Readonly<Record<Size, SizedClass>> = {
  tiny: CopyFileTask,
  medium: TranscodeVideoTask,
  large: IndexCatalogueTask,
};

/** Only the data. */
export function dataFormats(size: Size): Formats {
  const { schema, codec } = classes[size];
  const pbjs = protobufjsTypes(schema.typeName);
  return {
    taskledger: {
      make: (payload) => taskOf(size, payload).data,
      encode: (message) => encodeMessage(codec, message) as Uint8Array,
      decode: (bytes) => decodeMessage(codec, bytes),
    },
    "protobuf-es": {
      make: (payload) => messageOf(size, payload),
      encode: (message) => toBinary(schema, message),
      decode: (bytes) => fromBinary(schema, bytes),
    },
    JSON: { make: ({ data }) => data, encode: toJson, decode: fromJson(size) },
    protobufjs: {
      make: ({ data }) => timesOf(data, longTime),
      encode: (data) => pbjs.data.encode(data).finish(),
      decode: (bytes) => pbjs.data.decode(bytes),
    },
    msgpackr: { make: ({ data }) => data, encode: (data) => packr.pack(data), decode: (bytes) => packr.unpack(bytes) },
  };
}

/** Whole tasks: with list, id, type, time, headers and data. */
export function envelopeFormats(size: Size): Formats {
  const taskClass = classes[size];
  const { schema, type } = taskClass;
  const typeUrl = `type.googleapis.com/${type}`;
  const pbjs = protobufjsTypes(type);
  return {
    taskledger: {
      make: (payload) => taskOf(size, payload),
      encode: (task) => task.toBinary(),
      decode: (bytes) => taskClass.fromBinary(bytes),
    },
    "protobuf-es": {
      make: ({ taskList, id, createdMs, headers, ...payload }) => ({
        ...{ taskList, id, headers, createdAt: timestampFromMs(createdMs) },
        message: messageOf(size, { taskList, id, createdMs, headers, ...payload }),
      }),
      encode: ({ message, ...fields }) => {
        const data = { typeUrl, value: toBinary(schema, message) };
        return toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, { ...fields, data }));
      },
      decode: (bytes) => {
        const envelope = fromBinary(TaskEnvelopeSchema, bytes);
        return { envelope, message: fromBinary(schema, envelope.data?.value as Uint8Array) };
      },
    },
    JSON: { make: (payload) => ({ ...payload, type }), encode: toJson, decode: fromJson(size) },
    protobufjs: {
      make: ({ taskList, id, createdMs, headers, data }) => ({
        ...{ taskList, id, headers, createdAt: longTime(createdMs) },
        message: timesOf(data, longTime),
      }),
      encode: ({ message, ...fields }) => {
        const data = { type_url: typeUrl, value: pbjs.data.encode(message).finish() };
        return pbjs.envelope.encode({ ...fields, data }).finish();
      },
      decode: (bytes) => {
        const envelope = pbjs.envelope.decode(bytes) as unknown as { data: { value: Uint8Array } };
        return { envelope, message: pbjs.data.decode(envelope.data.value) };
      },
    },
    msgpackr: {
      make: (payload) => ({ ...payload, type }),
      encode: (task) => packr.pack(task),
      decode: (bytes) => packr.unpack(bytes),
    },
  };
}

/** Each message separately, as JSON with the names of its fields. */
const packr = new Packr({ useRecords: false });

/** Converts bytes to base64; only if there are any, so that other data costs nothing. */
function toJson(value: unknown): Uint8Array {
  const { data = value } = value as { data?: unknown };
  const blobs = Object.entries(data as object).filter(([, each]) => each instanceof Uint8Array);
  if (blobs.length === 0) return Buffer.from(JSON.stringify(value));
  const texts = Object.fromEntries(blobs.map(([key, blob]) => [key, Buffer.from(blob).toString("base64")]));
  const withTexts = { ...(data as object), ...texts };
  return Buffer.from(JSON.stringify(data === value ? withTexts : { ...(value as object), data: withTexts }));
}

function fromJson(size: Size): (bytes: Uint8Array) => unknown {
  const blob = { tiny: undefined, medium: "checksum", large: "thumbnail" }[size];
  return (bytes) => {
    const value = JSON.parse((bytes as Buffer).toString());
    const data = value.data ?? value;
    if (blob !== undefined) data[blob] = Buffer.from(data[blob], "base64");
    return value;
  };
}

export function taskOf(
  size: Size,
  { taskList, id, createdMs, headers, data }: Payload,
  taskClass: TaskClass<Task> = classes[size],
): Task {
  const init = { taskList, id, data: initOf(size, data) };
  return new taskClass(init, { headers, createdAt: new Date(createdMs) });
}

function messageOf(size: Size, { data }: Payload): Message {
  return create(classes[size].schema, initOf(size, data));
}

/** Data in the form for protobuf-es: 64-bit integers are bigints, and oneofs have a case. */
function initOf(size: Size, data: Record<string, unknown>): Value {
  const init: Value = timesOf(data, timestampFromMs);
  if (size === "tiny") return { ...init, sizeBytes: BigInt(init.sizeBytes) };
  if (size === "medium") {
    const { folder, sizeBytes, durationMs, ...rest } = init;
    const longs = { sizeBytes: BigInt(sizeBytes), durationMs: BigInt(durationMs) };
    return { ...rest, ...longs, destination: { case: "folder", value: folder } };
  }
  const items = init.items.map((item: Value) => ({ ...item, priceCents: BigInt(item.priceCents) }));
  const totals = Object.entries<number>(init.totals).map(([store, total]) => [store, BigInt(total)]);
  return { ...init, items, totals: Object.fromEntries(totals) };
}

function timesOf(data: Record<string, unknown>, convert: (ms: number) => unknown): Record<string, unknown> {
  const times = Object.entries(data).filter(([key]) => key.endsWith("At"));
  return { ...data, ...Object.fromEntries(times.map(([key, ms]) => [key, convert(ms as number)])) };
}

function longTime(ms: number): { seconds: number; nanos: number } {
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
}
