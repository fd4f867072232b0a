import type { Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { Task } from "taskledger";

// What the plugins generate for messages with fields that have names of the task's own. Only their types are used.

type Namesake = Message<"example.v1.Namesake"> & { taskList: string; id: bigint; text: string };
declare const NamesakeSchema: GenMessage<Namesake>;

/** No option names its fields `task_list` and `id`. */
export class NamesakeTask extends Task<typeof NamesakeSchema> {
  static readonly schema: typeof NamesakeSchema = NamesakeSchema;
  static readonly type: "example.v1.Namesake" = "example.v1.Namesake";
  override get type(): "example.v1.Namesake" {
    return NamesakeTask.type;
  }
}

type Numbered = Message<"example.v1.Numbered"> & { id: bigint; text: string };
declare const NumberedSchema: GenMessage<Numbered>;

/** No option names its field `id`. */
export class NumberedTask extends Task<typeof NumberedSchema> {
  static readonly schema: typeof NumberedSchema = NumberedSchema;
  static readonly type: "example.v1.Numbered" = "example.v1.Numbered";
  override get type(): "example.v1.Numbered" {
    return NumberedTask.type;
  }
}

type Keyed = Message<"example.v1.Keyed"> & { taskList: string; id: string; text: string };
declare const KeyedSchema: GenMessage<Keyed>;

/** Its options do. */
export class KeyedTask extends Task<typeof KeyedSchema, "taskList"> {
  static readonly schema: typeof KeyedSchema = KeyedSchema;
  static readonly type: "example.v1.Keyed" = "example.v1.Keyed";
  static readonly listField: "taskList" = "taskList";
  static readonly idField: "id" = "id";
  override get type(): "example.v1.Keyed" {
    return KeyedTask.type;
  }
}
