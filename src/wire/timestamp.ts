import { protoInt64 } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

/** Creates an empty google.protobuf.Timestamp. */
export function createTimestamp(): Timestamp {
  return { $typeName: "google.protobuf.Timestamp", seconds: protoInt64.zero, nanos: 0 };
}

/** Writes a google.protobuf.Timestamp, which many messages have. */
export function writeTimestamp(writer: Writer, p: number, message: Timestamp): number {
  writer.enter(message, "google.protobuf.Timestamp");
  let properties = 3;
  let end = p;
  if (message.seconds !== protoInt64.zero) end = writer.int64(end, 8, message.seconds);
  if (message.nanos !== 0) end = writer.int32(end, 16, message.nanos);
  for (const _ in message) properties--;
  return writer.leave(end, properties);
}

/** Reads a google.protobuf.Timestamp. */
export function readTimestamp(reader: Reader, end: number, message: Timestamp = createTimestamp()): Timestamp {
  reader.enter();
  while (reader.pos < end)
    switch (reader.field()) {
      case 1:
        message.seconds = reader.int64();
        break;
      case 2:
        message.nanos = reader.int32();
        break;
      default:
        reader.unknown(message);
    }
  reader.leave();
  return message;
}
