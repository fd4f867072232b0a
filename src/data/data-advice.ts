import { type DescEnum, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isTask } from "../core/copies.js";
import { suggestName } from "../core/nearest-name.js";
import { isArray } from "../core/values.js";

// Advice for common wrong values of fields. Each function returns the end of a message, or an empty string if it has no
// advice.

const wkt = 'of "@bufbuild/protobuf/wkt"';

/** For a value that is given as a scalar. */
export function adviseOnScalar(type: ScalarType, value: unknown): string {
  if (type !== ScalarType.BYTES) return "";
  if (typeof value === "string")
    return '; of base64: Buffer.from(text, "base64"); of text: new TextEncoder().encode(text)';
  if (Array.isArray(value)) return "; Uint8Array.from(numbers) makes one";
  return value instanceof ArrayBuffer ? "; new Uint8Array(buffer) makes one" : "";
}

/** For a value that is given as the number of an enum's value. */
export function adviseOnEnum(desc: DescEnum, value: unknown): string {
  if (typeof value !== "string") return "";
  const known = desc.values.find(({ name, localName }) => name === value || localName === value);
  if (known)
    return `; the number of ${known.name} is ${known.number}, ${enumNameOf(desc)}.${known.localName} in TypeScript`;
  const names = desc.values.map(({ name }) => name);
  return `; give a number, such as ${enumNameOf(desc)}.${desc.values[0]?.localName}${suggestName(value, names)}`;
}

/** As protoc-gen-es calls it: with the names of the messages that it is in. */
function enumNameOf({ name, parent }: DescEnum): string {
  let whole = name;
  for (let outer = parent; outer; outer = outer.parent) whole = `${outer.name}_${whole}`;
  return whole;
}

/** For a value that is given as a message. */
export function adviseOnMessage(desc: DescMessage, value: unknown): string {
  if (isTask(value)) return "; a task's message is its data: task.data";
  const advice = messageAdvice[desc.typeName]?.(value);
  return advice === undefined ? "" : `; ${advice}`;
}

/** For a value that is given as a wrapper, such as google.protobuf.StringValue. */
export function adviseOnWrapper(value: unknown): string {
  return typeof value === "object" && value !== null && "value" in value ? "; give the value without its message" : "";
}

const messageAdvice: Record<string, (value: unknown) => string | undefined> = {
  "google.protobuf.Timestamp": (value) => {
    if (value instanceof Date) return `timestampFromDate(date) ${wkt} makes one`;
    if (typeof value === "string") return `timestampFromDate(new Date(text)) ${wkt} makes one`;
    return typeof value === "number" ? `timestampFromMs(milliseconds) ${wkt} makes one` : undefined;
  },
  "google.protobuf.Duration": (value) =>
    typeof value === "number" ? `durationFromMs(milliseconds) ${wkt} makes one` : undefined,
  "google.protobuf.Any": (value) =>
    typeof value === "object" && value !== null && "$typeName" in value
      ? `anyPack(schema, message) ${wkt} makes one`
      : undefined,
  "google.protobuf.FieldMask": (value) => (Array.isArray(value) ? "the paths go into an object: { paths }" : undefined),
  "google.protobuf.Value": () => `fromJson(ValueSchema, json) makes one, with the schema ${wkt}`,
  "google.protobuf.ListValue": () => `fromJson(ListValueSchema, json) makes one, with the schema ${wkt}`,
};

/** For a value that is given as a list. */
export function adviseOnList(value: unknown): string {
  return value instanceof Set ? "; [...set] makes one" : "";
}

/** For a value that is given as a map. */
export function adviseOnMap(value: unknown): string {
  if (value instanceof Map) return "; Object.fromEntries(map) makes one";
  return isArray(value) && value.length > 0 && value.every(isArray) ? "; Object.fromEntries(entries) makes one" : "";
}

/** For a key that a message does not have; `besides` are other names that may be meant. */
export function adviseOnField(desc: DescMessage, key: string, besides: readonly string[]): string {
  const field = desc.fields.find(({ name, localName, jsonName }) => [name, localName, jsonName].includes(key));
  const oneof = field?.oneof;
  if (oneof) return `; it belongs to a oneof: ${oneof.localName}: { case: "${field.localName}", value: … }`;
  if (field) return `; in TypeScript it is called ${field.localName}`;
  return suggestName(key, [...besides, ...desc.members.map(({ localName }) => localName)]);
}
