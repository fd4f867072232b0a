/** Kinds of fields, by what a .proto file says before their names. Where there are several, they take turns. */
const kinds = {
  scalars: [
    ...["double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64"],
    ...["sfixed32", "sfixed64", "bool", "string", "bytes"],
  ],
  strings: ["string"],
  optionals: ["optional string", "optional int64", "optional bool", "optional bytes", "optional Color"],
  enums: ["Color"],
  messages: ["Child"],
  "well-known": ["google.protobuf.Timestamp", "google.protobuf.StringValue", "google.protobuf.Any"],
  "repeated-texts": ["repeated string", "repeated bytes"],
  packed: ["repeated int32", "repeated sint64", "repeated double", "repeated bool", "repeated Color"],
  "repeated-messages": ["repeated Child"],
  maps: ["map<string, string>", "map<int32, int64>", "map<bool, bytes>", "map<uint64, Color>"],
  "message-maps": ["map<string, Child>"],
  oneof: ["string", "int64", "Child", "Color"],
} as const satisfies Record<string, readonly string[]>;

export type WideKind = keyof typeof kinds;

export const wideKinds = Object.keys(kinds) as readonly WideKind[];

/** The full name of the message with fields of a kind. */
export function wideName(kind: WideKind): string {
  const words = kind.split("-");
  return `wide.${words.join("_")}.Wide${words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join("")}`;
}

/** A .proto file with one task type, of so many fields of a kind. */
export function wideProto(kind: WideKind, width: number): string {
  const types: readonly string[] = kinds[kind];
  const fields = Array.from({ length: width }, (_, i) => `    ${types[i % types.length]} field_${i + 1} = ${i + 1};`);
  const body = kind === "oneof" ? ["    oneof choice {", ...fields, "    }"] : fields;
  const [, scope, name] = wideName(kind).split(".");
  return `
syntax = "proto3";
package wide.${scope};
import "google/protobuf/any.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "taskledger/v1/options.proto";

message ${name} {
  option (taskledger.v1.task) = {};
${body.join("\n")}
}

message Child {
  string name = 1;
  int32 size = 2;
}

enum Color {
  COLOR_UNSPECIFIED = 0;
  COLOR_RED = 1;
}
`;
}
