import {
  createRegistry,
  type DescFile,
  fromBinary,
  type JsonObject,
  type Message,
  type Registry,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import type { Any } from "@bufbuild/protobuf/wkt";
import { DamagedTaskSchema } from "../../gen/taskledger/v1/damaged_task_pb.js";
import { OpaqueTask, type Task, type TaskClass } from "../index.js";
import { findUnknownFields } from "./unknown-fields.js";

/** A task's data as JSON. */
export interface ViewedData {
  /** `damaged`: the store holds bytes that are not a task. `opaque`: the data can't be read here. */
  readonly state: "readable" | "opaque" | "damaged";
  /** ProtoJSON with `@type` first; if it can't be read, `@type` and the bytes in base64 as `@bytes`. */
  readonly data: JsonObject;
  /** Whether the data is too long for this view: then there is only its `@type`. */
  readonly isLeftOut?: true;
  /** Size of the data, or of the damaged bytes, in bytes. */
  readonly bytes: number;
  /** Why the data can't be read. */
  readonly reason?: string;
  /** Fields that are in the data and not in its schema; the JSON does not have them. */
  readonly unknownFields?: readonly string[];
}

/** The types of these classes, and all that their files import: what an Any inside of data may hold. */
export function registryOf(types: readonly Pick<TaskClass, "schema">[]): Registry {
  const files = new Set<DescFile>();
  const add = (file: DescFile): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const imported of file.dependencies) add(imported);
  };
  for (const { schema } of types) add(schema.file);
  return createRegistry(...types.map(({ schema }) => schema), ...files);
}

/** Data of more than `maxBytes` is left out: its JSON may take a hundred times as much memory, and seconds to make. */
export function viewData(task: Task, registry: Registry, maxBytes = Infinity): ViewedData {
  if (task instanceof OpaqueTask) return viewOpaque(task, maxBytes);
  const { schema } = task.constructor as unknown as TaskClass;
  const message = task.data as Message;
  const value = toBinary(schema, message);
  if (value.length > maxBytes) return leftOut("readable", typeUrlOf(task), value.length);
  const unknownFields = findUnknownFields(schema, message);
  const packed: Any = { $typeName: "google.protobuf.Any", typeUrl: typeUrlOf(task), value };
  try {
    const fields = toJson(schema, message, { registry }) as JsonObject;
    const type = { "@type": packed.typeUrl };
    const data = { ...type, ...fields, ...type }; // first, and not a field that JSON calls so
    const strange = unknownFields.length > 0 ? { unknownFields } : {};
    return { state: "readable", data, bytes: value.length, ...strange };
  } catch (error) {
    // An Any inside it whose type is not known, a Timestamp out of range …
    return unreadable("opaque", packed, `it has no JSON: ${(error as Error).message}`);
  }
}

/** A task's envelope; of a damaged task, the bytes that the store holds instead. */
export function rawBytes(task: Task): Uint8Array {
  const isDamaged = task instanceof OpaqueTask && task.reason.code === "INVALID_ENVELOPE";
  return isDamaged ? fromBinary(DamagedTaskSchema, (task.data as Any).value).body : task.toBinary();
}

function typeUrlOf({ type }: Task): string {
  return `type.googleapis.com/${type}`;
}

function leftOut(state: ViewedData["state"], typeUrl: string, bytes: number): ViewedData {
  return { state, data: { "@type": typeUrl }, isLeftOut: true, bytes };
}

function viewOpaque(task: OpaqueTask, maxBytes: number): ViewedData {
  const data = task.data as Any;
  const { code, message } = task.reason;
  const isDamaged = code === "INVALID_ENVELOPE";
  const value = isDamaged ? fromBinary(DamagedTaskSchema, data.value).body : data.value;
  return unreadable(isDamaged ? "damaged" : "opaque", { ...data, value }, message, maxBytes);
}

function unreadable(
  state: ViewedData["state"],
  { typeUrl, value }: Any,
  reason: string,
  maxBytes = Infinity,
): ViewedData {
  if (value.length > maxBytes) return { ...leftOut(state, typeUrl, value.length), reason };
  return { state, data: { "@type": typeUrl, "@bytes": base64Encode(value) }, bytes: value.length, reason };
}
