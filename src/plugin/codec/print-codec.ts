import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable, Schema, Target } from "@bufbuild/protoplugin";
import { CodecNames, codecName } from "./names.js";
import type { CodecPlan } from "./plan.js";
import { entryFields, printEntryReader, printReader } from "./print-reader.js";
import { printWriter } from "./print-writer.js";

/** Prints the module with the codecs of a file's task types and of the messages that they reach. */
export function printCodecFile(schema: Schema, target: Target, file: DescFile, plan: CodecPlan): void {
  // It stays empty where there are none, and the framework drops it unless keep_empty_files is set.
  const f = schema.generateFile(`${file.name}_codec.${target === "dts" ? "d.ts" : target}`);
  f.preamble(file);
  const names = new CodecNames(f, file, plan);
  for (const message of plan.modules.get(file) ?? []) {
    if (plan.tasks.has(message)) printCodec(f, message, names, target);
    printFunctions(f, message, names, target);
  }
}

function printCodec(f: GeneratedFile, message: DescMessage, names: CodecNames, target: Target): void {
  const name = codecName(f, message);
  const type = [names.wire("MessageCodec", true), "<", f.importShape(message), ">"];
  f.print("/** Encodes and decodes ", message.typeName, ", as protobuf-es does. */");
  if (target === "dts") {
    f.print(f.export("declare const", name), ": ", ...type, ";");
  } else {
    const annotation = target === "ts" ? [": ", ...type] : [];
    f.print(f.export("const", name), ...annotation, " = {");
    f.print("  typeName: ", f.string(message.typeName), ",");
    f.print("  write: ", names.local("write", message), ",");
    f.print("  read: ", names.local("read", message), ",");
    f.print("};");
  }
  f.print();
}

function printFunctions(f: GeneratedFile, message: DescMessage, names: CodecNames, target: Target): void {
  const shape = f.importShape(message);
  const write = f.export(keyword(target), names.local("write", message));
  const read = f.export(keyword(target), names.local("read", message));
  if (target === "js") {
    f.print(write, "(w, m) {");
  } else {
    f.print(write, "(w: ", names.wire("Writer", true), ", m: ", shape, "): void", opening(target));
  }
  if (target !== "dts") {
    printWriter(f, message, names);
    f.print("}");
  }
  f.print();
  if (target === "js") {
    f.print(read, "(r, end) {");
  } else {
    f.print(read, "(r: ", names.wire("Reader", true), ", end: number): ", shape, opening(target));
  }
  if (target !== "dts") {
    printReader(f, message, names, target);
    f.print("}");
  }
  f.print();
  if (target !== "dts") for (const field of entryFields(message)) printEntryReader(f, field, names, target);
}

function keyword(target: Target): string {
  return target === "dts" ? "declare function" : "function";
}

function opening(target: Target): Printable {
  return target === "dts" ? ";" : " {";
}
