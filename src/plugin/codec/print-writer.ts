import { type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import type { CodecNames } from "./names.js";
import { isLong, isLongAsText, isNotZero, packedTagOf, scalarOf, tagOf, writeCall, zeroOf } from "./scalars.js";
import { isImplicit, isSupportedField, isUnwrapped } from "./support.js";

/** Prints the body of the function that writes a message. */
export function printWriter(f: GeneratedFile, message: DescMessage, names: CodecNames): void {
  const always = message.members.filter((member) => member.kind === "field" && isImplicit(member));
  f.print("  w.enter(m, ", f.string(message.typeName), ");");
  // The number of properties of the message: its type and members; those that may be absent are added when they are written.
  f.print("  let n = ", 1 + always.length, ";");
  for (const run of runsOf(message)) {
    if ("oneof" in run) printCases(f, run, names);
    else f.print("  ", ...writeField(f, run.field, names));
  }
  f.print("  for (const _ in m) n--;");
  f.print("  return w.leave(p, n);");
}

/** A step of writing: a field, or successive fields of one oneof. */
type Run = { readonly field: DescField } | Cases;

interface Cases {
  readonly oneof: DescOneof;
  readonly fields: DescField[];
  readonly isFirst: boolean;
}

/** The steps in the order of the fields' numbers, in which protobuf libraries write them. */
function runsOf(message: DescMessage): Run[] {
  const runs: Run[] = [];
  const met = new Set<DescOneof>();
  for (const field of message.fields.toSorted((a, b) => a.number - b.number)) {
    const { oneof } = field;
    const last = runs.at(-1);
    if (oneof === undefined) runs.push({ field });
    else if (last && "oneof" in last && last.oneof === oneof) last.fields.push(field);
    else runs.push({ oneof, fields: [field], isFirst: !met.has(oneof) });
    if (oneof) met.add(oneof);
  }
  return runs;
}

/** Counts a oneof if it is unset, or its case is written. With any other case, the message has one property too many. */
function printCases(f: GeneratedFile, { oneof, fields, isFirst }: Cases, names: CodecNames): void {
  const value = `m.${oneof.localName}`;
  if (isFirst) f.print("  w.plain(", value, ");");
  f.print("  switch (", value, ".case) {");
  if (isFirst) f.print("    case undefined: n++; break;");
  for (const field of fields.filter(isSupportedField))
    f.print("    case ", f.string(field.localName), ": n++; ", writeValue(field, `${value}.value`, names), " break;");
  f.print("  }");
}

function writeField(f: GeneratedFile, field: DescField, names: CodecNames): Printable[] {
  if (!isSupportedField(field)) return refuseField(f, field);
  const value = `m.${field.localName}`;
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
    const call = [names.function("write", field.message), "(w, p, ", value, ")"];
    return [`p = w.join(p = w.fork(p, ${tagOf(number, "message")}), `, call, ");"];
  }
  const scalar = scalarOf(field);
  return [writeCall(scalar, tagOf(number, scalar), value, isLongAsText(field))];
}

function writeList(field: DescField & { fieldKind: "list" }, list: string, names: CodecNames): Printable[] {
  if (!field.packed) return [`for (const each of w.list(${list})) `, writeValue(field, "each", names)];
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

/** Objects have text as keys. */
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

/** A field that codecs do not support must not be set; if it is, the message is left to protobuf-es. */
function refuseField(f: GeneratedFile, field: DescField): Printable[] {
  const value = `m.${field.localName}`;
  if (field.fieldKind === "list") return [`w.refuse(w.list(${value}).length > 0);`];
  if (field.fieldKind === "map") return [`w.refuse(w.entries(${value}).length > 0);`];
  return [`w.refuse(${value} !== `, isImplicit(field) ? zeroOf(f, field) : "undefined", ");"];
}
