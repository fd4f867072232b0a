import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable, Target } from "@bufbuild/protoplugin";
import type { CodecNames } from "./names.js";
import { isTextMap } from "./print-writer.js";
import { isLongAsText, packedTagOf, readCall, scalarOf, tagOf, zeroOf } from "./scalars.js";
import { isImplicit, isSupportedField, isUnwrapped } from "./support.js";

/** Prints the body of the function that creates an empty message. */
export function printCreator(f: GeneratedFile, message: DescMessage): void {
  f.print("  return { ", ...propertiesOf(f, message), " };");
}

/** Prints the body of the function that reads a message. */
export function printReader(f: GeneratedFile, message: DescMessage, names: CodecNames): void {
  f.print("  const m = ", names.local("create", message), "();");
  f.print("  r.enter();");
  f.print("  while (r.pos < end) switch (r.tag()) {");
  for (const field of message.fields.filter(isSupportedField))
    f.print("    case ", ...readField(f, field, names), " break;");
  f.print("    default: r.fallBack();");
  f.print("  }");
  f.print("  r.leave(end);");
  f.print("  return m;");
}

/** A new message, with its properties in the same order as protobuf-es has them. */
function propertiesOf(f: GeneratedFile, { typeName, members }: DescMessage): Printable[] {
  const properties: Printable[] = ["$typeName: ", f.string(typeName)];
  for (const member of members) {
    const value = initialValueOf(f, member);
    if (value !== undefined) properties.push(", ", member.localName, ": ", value);
  }
  return properties;
}

function initialValueOf(f: GeneratedFile, member: DescField | DescOneof): Printable | undefined {
  if (member.kind === "oneof") return "{ case: undefined }";
  if (member.fieldKind === "list") return "[]";
  if (member.fieldKind === "map") return "{}";
  return isImplicit(member) ? zeroOf(f, member) : undefined;
}

/** The code that follows `case`. */
function readField(f: GeneratedFile, field: DescField, names: CodecNames): Printable[] {
  const property = `m.${field.localName}`;
  if (field.fieldKind === "list") return readList(field, property, names);
  if (field.fieldKind === "map") return readMap(field, property, names);
  if (field.oneof) return readCase(f, field, field.oneof, names);
  if (field.message === undefined) return [tagOfValue(field), ": ", property, " = ", readValue(field, names), ";"];
  const value = [readValue(field, names), isUnwrapped(field) ? ".value" : ""];
  return [tagOfValue(field), ": ", onlyOnce([property, " !== undefined"]), property, " = ", value, ";"];
}

/** A message that occurs twice must be merged; this is left to protobuf-es. */
function onlyOnce(isThere: Printable): Printable {
  return ["if (", isThere, ") r.fallBack(); "];
}

function tagOfValue(field: DescField, number = field.number): number {
  return tagOf(number, field.message ? "message" : scalarOf(field));
}

function readValue(field: DescField, names: CodecNames): Printable {
  if (field.message) return [names.function("read", field.message), "(r, r.limit(end))"];
  return field.enum ? "r.enum()" : readCall(scalarOf(field), isLongAsText(field));
}

function readCase(f: GeneratedFile, field: DescField, { localName }: DescOneof, names: CodecNames): Printable[] {
  const name = f.string(field.localName);
  const once = field.message ? onlyOnce([`m.${localName}.case === `, name]) : "";
  const value = ["{ case: ", name, ", value: ", readValue(field, names), " }"];
  return [tagOfValue(field), ": ", once, `m.${localName} = `, value, ";"];
}

function readList(field: DescField & { fieldKind: "list" }, list: string, names: CodecNames): Printable[] {
  const push = [list, ".push(", readValue(field, names), ");"];
  if (!field.packed) return [tagOfValue(field), ": ", ...push];
  return [packedTagOf(field.number), ": for (const stop = r.limit(end); r.isBefore(stop); ) ", ...push];
}

function readMap(field: DescField & { fieldKind: "map" }, map: string, names: CodecNames): Printable[] {
  const tag = tagOf(field.number, "message");
  if (isTextMap(field)) return [`${tag}: r.stringEntry(${map}, end);`];
  return [tag, ": ", names.entryReader(field), `(r, ${map}, r.limit(end));`];
}

/** Prints the function that reads an entry of a map, in the form that nearly all writers use: the key, then the value. */
export function printEntryReader(
  f: GeneratedFile,
  field: DescField & { fieldKind: "map" },
  names: CodecNames,
  target: Target,
): void {
  const types =
    target === "ts" ? ["r: ", names.wire("Reader", true), ", map: object, end: number): void"] : ["r, map, end)"];
  f.print("function ", names.entryReader(field), "(", ...types, " {");
  f.print(`  r.expect(${tagOf(1, field.mapKey)});`);
  f.print("  const key = ", readCall(field.mapKey, false), ";");
  f.print(`  r.expect(${tagOfValue(field, 2)});`);
  f.print("  const value = ", readValue(field, names), ";");
  f.print("  r.end(end);");
  f.print("  r.set(map, key, value);");
  f.print("}");
  f.print();
}

export function entryFields(message: DescMessage): (DescField & { fieldKind: "map" })[] {
  const maps = message.fields.filter((field) => field.fieldKind === "map");
  return maps.filter((field) => isSupportedField(field) && !isTextMap(field));
}
