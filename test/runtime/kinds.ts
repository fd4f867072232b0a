import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type BuildOptions, Task } from "taskledger";
import { bufPath } from "../plugin/tools.js";

/** A task class made at run time: its data is whatever its fields are. */
export interface LooseClass {
  readonly schema: DescMessage;
  readonly type: string;
  readonly listField?: string;
  readonly idField?: string;
  new (init: unknown, options?: BuildOptions): LooseTask;
  build(init: unknown, options?: BuildOptions): LooseTask;
  fromBinary(bytes: Uint8Array): LooseTask;
  fromHash(hash: unknown, options?: { ignoreUnknownFields?: boolean }): LooseTask;
}

export interface LooseTask extends Task {
  // biome-ignore lint/suspicious/noExplicitAny: tests of untyped use
  readonly data: any;
}

/** The messages of protos/. */
export const files: FileRegistry = compileProtos();

export function schemaOf(typeName: string): DescMessage {
  const schema = files.getMessage(typeName);
  if (schema === undefined) throw new Error(`protos/ has no message ${typeName}`);
  return schema;
}

/** What the plugin would generate for a message, without the accessors. */
export function defineTask(typeName: string, keys: { listField?: string; idField?: string } = {}): LooseClass {
  const schema = schemaOf(typeName);
  class DefinedTask extends Task {
    static readonly schema = schema;
    static readonly type = typeName;
  }
  return Object.assign(DefinedTask, keys) as unknown as LooseClass;
}

function compileProtos(): FileRegistry {
  const bytes = execFileSync(bufPath, ["build", join(import.meta.dirname, "protos"), "-o", "-#format=binpb"]);
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
}

export const EverythingTask: LooseClass = defineTask("kinds.Everything");
export const NothingTask: LooseClass = defineTask("kinds.Nothing");
export const NamesakeTask: LooseClass = defineTask("kinds.Namesake");
export const KeyedTask: LooseClass = defineTask("kinds.Keyed", { listField: "taskList", idField: "id" });
export const LegacyTask: LooseClass = defineTask("kinds.legacy.Legacy");
