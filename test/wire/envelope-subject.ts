import { create, type Message } from "@bufbuild/protobuf";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { readEnvelope } from "../../src/envelope/decode.js";
import { writeEnvelope } from "../../src/envelope/encode.js";
import { noBytes } from "../../src/wire/byte-copies.js";
import type { Reader } from "../../src/wire/reader.js";
import type { Writer } from "../../src/wire/writer.js";
import type { Subject } from "./codecs.js";

/** The codec of the envelope, which is not generated: as one that is. Its data is copied, as their bytes are. */
export const envelopeSubject: Subject = {
  schema: TaskEnvelopeSchema,
  codec: { typeName: TaskEnvelopeSchema.typeName, create: () => create(TaskEnvelopeSchema), write, read },
};

function write(w: Writer, p: number, message: Message): number {
  const envelope = message as TaskEnvelope;
  return writeEnvelope(w, p, envelope, (writer, at) => writer.raw(at, envelope.data?.value ?? noBytes));
}

function read(r: Reader, end: number): TaskEnvelope {
  const envelope = readEnvelope(r, end, undefined);
  if (envelope.data) envelope.data.value = envelope.data.value.slice();
  return envelope;
}
