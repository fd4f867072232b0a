import { type DescField, type DescMessage, fromJson, type JsonReadOptions, type JsonValue } from "@bufbuild/protobuf";
import { hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";

export interface JsonProblem {
  /** Where in the JSON: `data.recipients[3]`; empty for the whole of it. */
  readonly path: string;
  readonly reason: string;
}

type Options = Partial<JsonReadOptions> & { recursionLimit: number };

interface Place {
  readonly path: string;
  readonly depth: number;
}

/**
 * Finds the place in a JSON value that protobuf-es refused as a message, by trying its parts: its own error names the
 * message and the field, but not which of many. Only called once something has failed.
 */
export function locateJsonProblem(schema: DescMessage, json: unknown, options: Options, failure: Error): JsonProblem {
  return search(schema, json, { path: "", depth: 0 }, options) ?? { path: "", reason: failure.message };
}

function search(desc: DescMessage, json: unknown, place: Place, options: Options): JsonProblem | undefined {
  if (!isObject(json) || place.depth > options.recursionLimit) return undefined;
  for (const [key, value] of Object.entries(json)) {
    const at = { path: join(place.path, key), depth: place.depth + 1 };
    const field = desc.fields.find((other) => other.jsonName === key || other.name === key);
    if (field === undefined) {
      if (key.startsWith("[") || options.ignoreUnknownFields) continue;
      const reason = `${desc.typeName} has no such field; { ignoreUnknownFields: true } passes over it`;
      return { path: at.path, reason };
    }
    const failure = refusal(desc, { [key]: value }, options);
    if (failure) return searchField(field, value, at, options) ?? { path: at.path, reason: failure.message };
  }
  return undefined;
}

function searchField(field: DescField, json: unknown, place: Place, options: Options): JsonProblem | undefined {
  if (field.fieldKind === "message") return searchMessage(field.message, json, place, options);
  const isMap = field.fieldKind === "map";
  if (!(isMap ? isObject(json) : Array.isArray(json))) return undefined;
  for (const [key, element] of Object.entries(json as object)) {
    const failure = refusal(field.parent, { [field.name]: isMap ? { [key]: element } : [element] }, options);
    if (!failure) continue;
    const path = `${place.path}[${isMap ? JSON.stringify(key) : key}]`;
    const inner = field.message && searchMessage(field.message, element, { ...place, path }, options);
    return inner ?? { path, reason: failure.message };
  }
  return undefined;
}

function searchMessage(desc: DescMessage, json: unknown, place: Place, options: Options): JsonProblem | undefined {
  if (desc.typeName !== "google.protobuf.Any") return searchFields(desc, json, place, options);
  if (!isObject(json)) return undefined;
  const { "@type": typeUrl, ...fields } = json;
  const schema = options.registry?.getMessage(String(typeUrl).slice(String(typeUrl).lastIndexOf("/") + 1));
  return schema && searchFields(schema, fields, place, options);
}

/** The JSON of a Struct, a Timestamp and their like has no fields to look into. */
function searchFields(desc: DescMessage, json: unknown, place: Place, options: Options): JsonProblem | undefined {
  return hasCustomJsonRepresentation(desc) ? undefined : search(desc, json, place, options);
}

function refusal(desc: DescMessage, json: object, options: Options): Error | undefined {
  try {
    fromJson(desc, json as JsonValue, options);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function join(path: string, key: string): string {
  if (!/^[\w$]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
