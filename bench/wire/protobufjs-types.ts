import { join, resolve } from "node:path";
import protobufjs from "protobufjs";

const root = resolve(import.meta.dirname, "../..");

/** The same functions as those of `pbjs -t static`, generated at their first call. */
export function protobufjsTypes(typeName: string): { envelope: protobufjs.Type; data: protobufjs.Type } {
  const types = new protobufjs.Root();
  types.resolvePath = (_origin, file) =>
    join(root, file.startsWith("google/") ? "node_modules/protobufjs" : "proto", file);
  types.loadSync(["taskledger/v1/envelope.proto", "example/v1/sizes.proto"]);
  return { envelope: types.lookupType("taskledger.v1.TaskEnvelope"), data: types.lookupType(typeName) };
}
