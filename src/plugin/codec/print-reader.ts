import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable, Target } from "@bufbuild/protoplugin";
import type { CodecNames } from "./names.js";
import { isTextMap } from "./print-writer.js";
import { isDelimited, isLongAsText, readCall, scalarOf, zeroOf, zeroOfScalar } from "./scalars.js";
import { isImplicit, isSupportedField, isUnwrapped } from "./support.js";

/** Prints the body of the function that creates an empty message. */
export function printCreator(f: GeneratedFile, message: DescMessage): void {
  f.print("  return { ", ...propertiesOf(f, message), " };");
}

/** Prints the body of the function that reads a message. */
export function printReader(f: GeneratedFile, message: DescMessage, names: CodecNames): void {
  f.print("  r.enter();");
  f.print("  while (r.pos < end) switch (r.field()) {");
  for (const field of message.fields) f.print(`    case ${field.number}: `, ...readField(f, field, names), " break;");
  f.print("    default: r.unknown(m);");
  f.print("  }");
  f.print("  r.leave();");
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

/** The code that follows `case`. A message that occurs again is merged with itself. */
function readField(f: GeneratedFile, field: DescField, names: CodecNames): Printable[] {
  const property = `m.${field.localName}`;
  if (!isSupportedField(field)) return ["r.fallBack();"];
  if (field.fieldKind === "list") return readList(field, property, names);
  if (field.fieldKind === "map") return readMap(field, property, names);
  if (field.oneof) return readCase(f, field, field.oneof, names);
  if (!isUnwrapped(field)) return [property, " = ", readValue(field, names, property), ";"];
  const wrapped = ["r.wrap(", names.function("create", field.message), "(), ", property, ")"];
  return [property, " = ", readValue(field, names, wrapped), ".value;"];
}

/** `before` is the message that the value is merged with. */
function readValue(field: DescField, names: CodecNames, before?: Printable): Printable {
  if (field.message) return [names.function("read", field.message), "(r, r.limit()", before ? [", ", before] : "", ")"];
  return field.enum ? "r.enum()" : readCall(scalarOf(field), isLongAsText(field));
}

function readCase(f: GeneratedFile, field: DescField, { localName }: DescOneof, names: CodecNames): Printable[] {
  const name = f.string(field.localName);
  const oneof = `m.${localName}`;
  const before = [oneof, ".case === ", name, " ? ", oneof, ".value : undefined"];
  return [oneof, " = { case: ", name, ", value: ", readValue(field, names, before), " };"];
}

/** Numbers may be packed or not, whatever the schema says. */
function readList(field: DescField & { fieldKind: "list" }, list: string, names: CodecNames): Printable[] {
  const push = [list, ".push(", readValue(field, names), ");"];
  return isNumber(field) ? ["for (const stop = r.numbers(); r.pos < stop; ) ", ...push] : push;
}

function isNumber(field: DescField): boolean {
  return !field.message && !isDelimited(scalarOf(field));
}

function readMap(field: DescField & { fieldKind: "map" }, map: string, names: CodecNames): Printable[] {
  return isTextMap(field) ? [`r.stringEntry(${map});`] : [names.entryReader(field), `(r, ${map});`];
}

/** Prints the function that reads an entry of a map. */
export function printEntryReader(
  f: GeneratedFile,
  field: DescField & { fieldKind: "map" },
  names: CodecNames,
  target: Target,
): void {
  const types = target === "ts" ? ["r: ", names.wire("Reader", true), ", map: object): void"] : ["r, map)"];
  f.print("function ", names.entryReader(field), "(", ...types, " {");
  const none = field.message ? [names.function("create", field.message), "()"] : zeroOf(f, field);
  f.print("  let key = ", zeroOfScalar(f, field.mapKey), ";");
  f.print("  let value = ", field.message ? "undefined" : none, ";");
  f.print("  for (const end = r.limit(); r.pos < end; ) switch (r.field()) {");
  f.print("    case 1: key = ", readCall(field.mapKey, false), "; break;");
  f.print("    case 2: value = ", readValue(field, names, "value"), "; break;");
  f.print("    default: r.skip();");
  f.print("  }");
  f.print("  r.set(map, key, value", field.message ? [" ?? ", none] : "", ");");
  f.print("}");
  f.print();
}

export function entryFields(message: DescMessage): (DescField & { fieldKind: "map" })[] {
  const maps = message.fields.filter((field) => field.fieldKind === "map");
  return maps.filter((field) => isSupportedField(field) && !isTextMap(field));
}
