import { create, toBinary } from "@bufbuild/protobuf";
import { schemaOf } from "./kinds.js";

// Data of lost.proto, by its message's name.

export const key = { taskList: "list", id: "id" };
export const urlPrefix = "type.googleapis.com/";
export const sealed = `${urlPrefix}taskledger.v1.SealedData`;

export function pack(typeName: string, data: object): object {
  const schema = schemaOf(typeName);
  return { typeUrl: urlPrefix + typeName, value: toBinary(schema, create(schema, data as never)) };
}

/** What JSON has no room for, or gives another meaning. */
export const lostInJson: [string, string, object][] = [
  ["a field that JSON calls @type", "AtType", { x: 5 }],
  ["one in an Any", "AtType", { any: pack("kinds.names.AtType", { x: 5 }) }],
  [
    "one in an Any in an Any",
    "AtType",
    { any: pack("kinds.names.AtType", { any: pack("kinds.names.AtType", { x: 1 }) }) },
  ],
  [
    "one in an Any in an Any by itself",
    "Masked",
    { any: pack("google.protobuf.Any", pack("kinds.names.AtType", { x: 1 })) },
  ],
  ["a text that JSON calls @type, and that is its type", "AtTypeText", { text: `${urlPrefix}kinds.names.AtTypeText` }],
  ["a mask with a path of no name", "Masked", { mask: { paths: ["a", ""] } }],
  ["one in an Any", "Masked", { any: pack("kinds.names.Masked", { mask: { paths: ["a", ""] } }) }],
  ["a mask with a comma in a path", "Masked", { mask: { paths: ["a,b"] } }],
];

/** What looks like it, and is not. */
export const readableInJson: [string, string, object][] = [
  ["a field that JSON calls @type, which is not set", "AtType", { y: 5 }],
  ["one in a message that is in no Any", "AtType", { child: { x: 5 } }],
  ["a mask", "Masked", { mask: { paths: ["a", "b_c.d"] }, text: "Dear Ann," }],
];
