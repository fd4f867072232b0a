import { type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import type { CodecNames } from "./names.js";
import {
  isLong,
  isLongAsText,
  isNotZero,
  packedTagOf,
  scalarOf,
  tagOf,
  writeCall,
  writeListCall,
  zeroOf,
} from "./scalars.js";
import { childrenOf, isImplicit, isSupportedField, isUnwrapped } from "./support.js";

/** Prints the body of the function that writes a message. */
export function printWriter(f: GeneratedFile, message: DescMessage, names: CodecNames): void {
  const nests = childrenOf(message).length > 0;
  const always = message.members.filter((member) => member.kind === "field" && isImplicit(member));
  f.print("  if (m.$typeName !== ", f.string(message.typeName), ") ", names.wire("fallBack"), "();");
  f.print("  w.begin(", names.wire("prototypeOf"), "(m));");
  if (nests) f.print("  w.enter();");
  // Properties of the message: its type, its members, and those that may be absent as they are met.
  f.print("  let n = ", 1 + always.length, ";");
  for (const oneof of message.oneofs) printUnset(f, oneof);
  const fields = message.fields.toSorted((a, b) => a.number - b.number);
  for (const field of fields) printStatement(f, writeField(f, field, names));
  f.print("  for (const _ in m) n--;");
  if (nests) f.print("  w.leave();");
  f.print("  return w.end(p, n);");
}

function printStatement(f: GeneratedFile, statement: readonly Printable[]): void {
  if (statement.length > 0) f.print("  ", ...statement);
}

/** A oneof counts if it is unset, or has one of the cases that follow. */
function printUnset(f: GeneratedFile, { localName, fields }: DescOneof): void {
  if (fields.length > 0) f.print("  if (w.plain(m.", localName, ").case === undefined) n++;");
}

function writeField(f: GeneratedFile, field: DescField, names: CodecNames): Printable[] {
  if (!isSupportedField(field)) return refuseField(f, field);
  const value = `m.${field.localName}`;
  if (field.oneof) return writeCase(f, field, field.oneof, names);
  if (field.fieldKind === "list") return writeList(field, value, names);
  if (field.fieldKind === "map") return writeMap(field, value, names);
  if (isUnwrapped(field)) return ifPresent(value, writeWrapper(f, field, value));
  if (!isImplicit(field)) return ifPresent(value, writeValue(field, value, names));
  const isSet = isNotZero(f, field, value);
  return ["if (", isSet, ") ", writeValue(field, value, names)];
}

function ifPresent(value: string, statement: Printable): Printable[] {
  return ["if (", value, " !== undefined) { n++; ", statement, " }"];
}

/** One value, with its tag. */
function writeValue(field: DescField, value: Printable, names: CodecNames, number = field.number): Printable[] {
  if (field.message) {
    const call = [names.function("write", field.message), "(w, at, ", value, ")"];
    return [`const at = w.fork(p, ${tagOf(number, "message")}); p = w.join(at, `, call, ");"];
  }
  const scalar = scalarOf(field);
  return [writeCall(scalar, tagOf(number, scalar), value, isLongAsText(field))];
}

function writeCase(f: GeneratedFile, field: DescField, { localName }: DescOneof, names: CodecNames): Printable[] {
  const isSet = [`m.${localName}.case === `, f.string(field.localName)];
  return ["if (", isSet, ") { n++; ", writeValue(field, `m.${localName}.value`, names), " }"];
}

function writeList(field: DescField & { fieldKind: "list" }, list: string, names: CodecNames): Printable[] {
  if (!field.packed) return [`for (const each of w.list(${list})) { `, writeValue(field, "each", names), " }"];
  const call = writeListCall(scalarOf(field), packedTagOf(field.number), list);
  if (call !== undefined) return [call];
  const all = [`for (const each of ${list}) `, writeCall(scalarOf(field), 0, "each", isLongAsText(field))];
  return [`if (w.list(${list}).length > 0) { `, ...withLength(packedTagOf(field.number), all), " }"];
}

function withLength(tag: number, statements: Printable, name = "at"): Printable[] {
  return [`const ${name} = p = w.fork(p, ${tag}); `, statements, ` p = w.join(${name}, p);`];
}

function writeMap(field: DescField & { fieldKind: "map" }, map: string, names: CodecNames): Printable[] {
  const tag = tagOf(field.number, "message");
  if (isTextMap(field)) return [`p = w.stringMap(p, ${tag}, ${map});`];
  const key = writeCall(field.mapKey, tagOf(1, field.mapKey), convertKey(field.mapKey), false);
  const entry = withLength(tag, [key, " ", writeValue(field, "value", names, 2)], "entry");
  return [`for (const [key, value] of w.entries(${map})) { `, ...entry, " }"];
}

export function isTextMap(field: DescField & { fieldKind: "map" }): boolean {
  return field.mapKey === ScalarType.STRING && field.scalar === ScalarType.STRING;
}

/** The keys of objects are text. */
function convertKey(type: ScalarType): string {
  if (type === ScalarType.STRING) return "key";
  if (type === ScalarType.BOOL) return "w.truth(key)";
  return isLong(type) ? "w.decimal(key)" : "w.integer(key)";
}

/** A wrapper is kept as its value. */
function writeWrapper(f: GeneratedFile, field: DescField & { fieldKind: "message" }, value: string): Printable[] {
  const [wrapped] = field.message.fields as [DescField];
  const scalar = scalarOf(wrapped);
  const call = writeCall(scalar, tagOf(wrapped.number, scalar), value, isLongAsText(wrapped));
  const tag = tagOf(field.number, "message");
  return withLength(tag, ["if (", isNotZero(f, wrapped, value), ") ", call]);
}

/** What is left to protobuf-es must not be set. Where it is in a oneof, that then has a case that nothing counts. */
function refuseField(f: GeneratedFile, field: DescField): Printable[] {
  const value = `m.${field.localName}`;
  if (field.oneof) return [];
  if (field.fieldKind === "list") return [`w.refuse(w.list(${value}).length > 0);`];
  if (field.fieldKind === "map") return [`w.refuse(w.entries(${value}).length > 0);`];
  return [`w.refuse(${value} !== `, isImplicit(field) ? zeroOf(f, field) : "undefined", ");"];
}
