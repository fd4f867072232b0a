import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";

type EnvelopeInit = MessageInitShape<typeof TaskEnvelopeSchema>;

/** An envelope as another process may send it: with any data, and with whatever else is given. */
export function envelopeOf(
  typeName: string,
  value: Uint8Array,
  more: Exclude<EnvelopeInit, { $typeName: string }> = {},
): Uint8Array<ArrayBuffer> {
  const data = { typeUrl: `type.googleapis.com/${typeName}`, value };
  return toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, { taskList: "list", id: "id", data, ...more }));
}
